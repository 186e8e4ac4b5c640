/* Multilayer perceptrons on plain arrays, as in the package: He's initial weights, leaky critic, ReLU generator. */

import { addRow, affine, leaf, leaky, mulNT, power, repeatRow, sub, sumOverRows, times } from "./autodiff.js";

export const CRITIC_SLOPE = 0.2;
const NORM_EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** Weights of a perceptron with these widths; `slope` is that of its activation, `norm` "none" or "batch". */
export function perceptron(widths, slope, random, norm = "none") {
  const layers = widths.slice(1).map((outputs, i) => {
    const inputs = widths[i];
    const last = i === widths.length - 2;
    const scale = Math.sqrt(2 / inputs);
    const weight = Float64Array.from({ length: outputs * inputs }, () => scale * random.normal());
    const layer = { inputs, outputs, weight, bias: new Float64Array(outputs) };
    if (norm === "batch" && !last) layer.norm = batchNorm(outputs);
    return layer;
  });
  return { layers, slope };
}

const batchNorm = (size) => ({
  scale: new Float64Array(size).fill(1),
  shift: new Float64Array(size),
  mean: new Float64Array(size),
  variance: new Float64Array(size).fill(1),
});

/** The arrays that training changes, in a fixed order. */
export const parametersOf = (network) =>
  network.layers.flatMap(({ weight, bias, norm }) => (norm ? [weight, bias, norm.scale, norm.shift] : [weight, bias]));

/** Leaves over a network's arrays, in the order of `parametersOf`; `weights` may stand in for the weight matrices. */
export function leavesOf(network, weights = network.layers.map((layer) => layer.weight)) {
  return network.layers.flatMap((layer, i) => {
    const own = [leaf(layer.outputs, layer.inputs, weights[i]), leaf(1, layer.outputs, layer.bias)];
    const { norm } = layer;
    return norm ? [...own, leaf(1, layer.outputs, norm.scale), leaf(1, layer.outputs, norm.shift)] : own;
  });
}

/** The network's output at a batch. `training` uses (and notes) the statistics of the batch, as PyTorch does. */
export function forward(network, leaves, x, training = true) {
  let at = 0;
  return network.layers.reduce((input, layer, i) => {
    let out = addRow(mulNT(input, leaves[at]), leaves[at + 1]);
    at += 2;
    if (layer.norm) {
      out = normalise(layer.norm, leaves[at], leaves[at + 1], out, training);
      at += 2;
    }
    return i < network.layers.length - 1 ? leaky(out, network.slope) : out;
  }, x);
}

function normalise(norm, scale, shift, x, training) {
  const [centre, variance] = training ? statistics(norm, x) : [leaf(1, x.cols, norm.mean), leaf(1, x.cols, norm.variance)];
  const factor = times(scale, power(affine(variance, 1, NORM_EPSILON), -0.5));
  return addRow(times(sub(x, repeatRow(centre, x.rows)), repeatRow(factor, x.rows)), shift);
}

function statistics(norm, x) {
  const centre = affine(sumOverRows(x), 1 / x.rows);
  const away = sub(x, repeatRow(centre, x.rows));
  const variance = affine(sumOverRows(times(away, away)), 1 / x.rows);
  const unbiased = x.rows / (x.rows - 1);
  for (let j = 0; j < x.cols; j++) {
    norm.mean[j] += MOMENTUM * (centre.data[j] - norm.mean[j]);
    norm.variance[j] += MOMENTUM * (unbiased * variance.data[j] - norm.variance[j]);
  }
  return [centre, variance];
}
