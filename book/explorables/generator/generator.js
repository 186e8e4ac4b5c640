/*
 * The conditional generator of `wgan_course.models.pretrained`, and what is asked of it: a map of latent vectors, a walk
 * from one to another, and the nearest training image. Numbers are the package's own, in half precision as it has them.
 *
 * Maps lie position by position with their channels beside each other, so that the inner loop of a transposed
 * convolution runs through memory; inputs that a ReLU has set to 0 are passed over.
 */

const EPSILON = 1e-5; // of PyTorch's batch norm

/** The value of a number in half precision, from its 16 bits. */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const part = bits & 1023;
  if (exponent === 0) return sign * part * 2 ** -24;
  if (exponent === 31) return part ? NaN : sign * Infinity;
  return sign * (1 + part / 1024) * 2 ** (exponent - 15);
}

/** The arrays of a network by their names, from `layout`, [name, shape] in their order, and their bytes. */
export function unpack(layout, buffer) {
  const halves = new Uint16Array(buffer);
  let from = 0;
  const entries = layout.map(([name, shape]) => {
    const size = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from(halves.subarray(from, from + size), fromHalf);
    from += size;
    return [name, { shape, values }];
  });
  return Object.fromEntries(entries);
}

/** y = W x + b for W of shape (outputs, inputs). */
export function linear({ shape: [outputs, inputs], values }, x, bias) {
  const y = new Float32Array(outputs);
  for (let row = 0; row < outputs; row++) {
    let sum = bias ? bias[row] : 0;
    for (let k = 0, at = row * inputs; k < inputs; k++, at++) sum += values[at] * x[k];
    y[row] = sum;
  }
  return y;
}

/** Kernels of shape (from, to, 4, 4) tap by tap, each a matrix of from × to. */
export function byTap({ shape: [from, to, height, width], values }) {
  const taps = height * width;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < from; i++) for (let j = 0; j < to; j++) for (let tap = 0; tap < taps; tap++) {
    turned[(tap * from + i) * to + j] = values[(i * to + j) * taps + tap];
  }
  return { from, to, taps: turned };
}

/** Transposed convolution, kernel 4, stride 2, padding 1, of a square map of this side; the result has twice the side. */
export function doubled(x, side, { from, to, taps }, bias) {
  const twice = 2 * side;
  const sums = new Float64Array(twice * twice * to);
  for (let at = 0; at < sums.length; at++) sums[at] = bias[at % to];
  for (let tap = 0; tap < 16; tap++) {
    const [down, right] = [(tap >> 2) - 1, (tap & 3) - 1];
    for (let place = 0; place < side * side; place++) {
      const row = 2 * Math.floor(place / side) + down;
      const column = 2 * (place % side) + right;
      if (row < 0 || column < 0 || row >= twice || column >= twice) continue;
      addProducts(sums, (row * twice + column) * to, x, place * from, taps, tap * from * to, from, to);
    }
  }
  return sums;
}

function addProducts(sums, target, x, source, taps, first, from, to) {
  for (let i = 0; i < from; i++) {
    const value = x[source + i];
    if (value === 0) continue;
    for (let j = 0, at = first + i * to; j < to; j++, at++) sums[target + j] += value * taps[at];
  }
}

/** Batch norm of a trained network as one scale and one shift a channel. */
export function normOf(weights, name) {
  const [scale, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((part) => weights[`${name}.${part}`].values);
  const slopes = scale.map((value, i) => value / Math.sqrt(variance[i] + EPSILON));
  return { slopes, shifts: shift.map((value, i) => value - slopes[i] * mean[i]) };
}

/** Batch norm and ReLU, in place. */
function normed(x, { slopes, shifts }) {
  const channels = slopes.length;
  for (let at = 0; at < x.length; at++) x[at] = Math.max(0, slopes[at % channels] * x[at] + shifts[at % channels]);
  return x;
}

export class Generator {
  constructor(layout, buffer) {
    const weights = unpack(layout, buffer);
    this.embedding = weights["embedding.weight"];
    this.opening = weights["network.0.weight"];
    this.openingBias = weights["network.0.bias"].values;
    this.norms = ["network.2", "network.5"].map((name) => normOf(weights, name));
    this.kernels = ["network.4", "network.7"].map((name) => byTap(weights[`${name}.weight`]));
    this.biases = ["network.4", "network.7"].map((name) => weights[`${name}.bias`].values);
    [this.latent, this.classes] = this.embedding.shape;
  }

  /** A picture of 28 × 28 numbers between −1 and 1, from a latent vector and a weight for each class. */
  make(z, classWeights) {
    const label = linear(this.embedding, classWeights);
    const opened = linear(this.opening, Float32Array.of(...z, ...label), this.openingBias);
    const channels = this.kernels[0].from;
    const places = opened.length / channels;
    const maps = Float64Array.from(opened, (_, at) => opened[(at % channels) * places + Math.floor(at / channels)]);
    const middle = doubled(normed(maps, this.norms[0]), Math.sqrt(places), this.kernels[0], this.biases[0]);
    const last = doubled(normed(middle, this.norms[1]), 2 * Math.sqrt(places), this.kernels[1], this.biases[1]);
    return Float32Array.from(last, Math.tanh);
  }
}

/**
 * The latent vector at a place of the map, (cos x · e₁ + sin x · e₂ + cos y · e₃ + sin y · e₄) / √2. With e₁ to e₄ drawn
 * from N(0, I), every place alone is a draw from N(0, I) too, as the generator was trained on.
 */
export function latentAt([x, y], directions) {
  const shares = [Math.cos(x), Math.sin(x), Math.cos(y), Math.sin(y)].map((share) => share / Math.SQRT2);
  return Float64Array.from(directions[0], (_, i) => shares.reduce((sum, share, which) => sum + share * directions[which][i], 0));
}

/** Four directions of a map. */
export const directionsFrom = (random, latent) => Array.from({ length: 4 }, () => random.normals(latent));

/** The straight line from one array to another. */
export const between = (a, b, part) => Float64Array.from(a, (value, i) => (1 - part) * value + part * b[i]);

export const oneOf = (classes, which) => Float64Array.from({ length: classes }, (_, i) => (i === which ? 1 : 0));

/** The nearest of the stored images, bytes from 0 to 255, to a picture: which, and the distance between −1 and 1. */
export function nearest(images, picture) {
  const size = picture.length;
  let best = { index: -1, square: Infinity };
  for (let index = 0; index < images.length / size; index++) {
    let square = 0;
    for (let i = 0, at = index * size; i < size && square < best.square; i++, at++) {
      square += (images[at] / 127.5 - 1 - picture[i]) ** 2;
    }
    if (square < best.square) best = { index, square };
  }
  return { index: best.index, distance: Math.sqrt(best.square) };
}
