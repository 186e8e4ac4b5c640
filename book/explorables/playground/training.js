/*
 * A Wasserstein GAN in the plane: the loop of `wgan_course.training` with every random draw passed in or seeded.
 *
 * A round is `criticSteps` steps of the critic and one of the generator. A constraint acts in one of three places: on
 * the weights that the forward pass sees (sn), in the loss (gp, lp), or on the weights after the step (clip).
 */

import { assign, distances } from "./assignment.js";
import { add, affine, gradient, leaf, leaky, mean, power, release, sub, sumOverColumns, times } from "./autodiff.js";
import { coveredModes, distribution, sample } from "./data.js";
import { CRITIC_SLOPE, forward, leavesOf, parametersOf, perceptron } from "./networks.js";
import { generator as randomFrom } from "./random.js";

export const EVALUATED = 128; // points behind the estimate, W₁ and the drawing
const LATENT = 2;
const BETA = 0.9;
const TINY = 1e-8;
const START_ITERATIONS = 15;

/** Adam with β₁ = 0 and β₂ = 0.9, as in WGAN-GP. */
function adam(arrays, rate) {
  const squares = arrays.map((array) => new Float64Array(array.length));
  let step = 0;
  return (gradients) => {
    step += 1;
    const correction = Math.sqrt(1 - BETA ** step);
    arrays.forEach((array, which) => {
      const square = squares[which];
      const slope = gradients[which];
      if (!slope) return;
      for (let i = 0; i < array.length; i++) {
        square[i] = BETA * square[i] + (1 - BETA) * slope[i] ** 2;
        array[i] -= (rate * slope[i]) / (Math.sqrt(square[i]) / correction + TINY);
      }
    });
  };
}

/** One step of power iteration on a layer, from where the last one ended; v ← Wᵀu, u ← Wv, both to length one. */
export function iterate(layer) {
  const { inputs, outputs, weight, u, v } = layer;
  for (let j = 0; j < inputs; j++) {
    let sum = 0;
    for (let i = 0; i < outputs; i++) sum += weight[i * inputs + j] * u[i];
    v[j] = sum;
  }
  toUnit(v);
  for (let i = 0; i < outputs; i++) {
    let sum = 0;
    for (let j = 0; j < inputs; j++) sum += weight[i * inputs + j] * v[j];
    u[i] = sum;
  }
  layer.sigma = toUnit(u);
}

function toUnit(vector) {
  const length = Math.hypot(...vector);
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] /= length;
  return length;
}

/** The gradient in W from that in W/σ, with u and v constant: (G − ⟨G, W/σ⟩ u vᵀ) / σ. */
export function throughSigma({ inputs, weight, u, v, sigma }, slope) {
  let inner = 0;
  for (let i = 0; i < slope.length; i++) inner += slope[i] * weight[i];
  inner /= sigma;
  return slope.map((value, at) => (value - inner * u[Math.floor(at / inputs)] * v[at % inputs]) / sigma);
}

/** A training run. `config` is what `settings.js` describes. */
export class Game {
  constructor(config) {
    this.config = config;
    this.random = randomFrom(config.seed);
    this.source = distribution(config.data, config.drawn);
    const { hidden } = config;
    this.generator = perceptron([LATENT, hidden, hidden, 2], 0, this.random);
    this.critic = perceptron([2, hidden, hidden, 1], CRITIC_SLOPE, this.random, config.batchNorm ? "batch" : "none");
    this.round = 0;
    if (config.constraint === "sn") this.prepareNorms();
    if (config.constraint === "clip") this.clip();
    this.criticOptimiser = adam(parametersOf(this.critic), config.rate);
    this.generatorOptimiser = adam(parametersOf(this.generator), config.rate);
    const still = randomFrom(config.seed + 1000);
    this.real = sample(this.source, EVALUATED, still);
    this.latent = still.normals(LATENT * EVALUATED);
  }

  prepareNorms() {
    for (const layer of this.critic.layers) {
      layer.u = this.random.normals(layer.outputs);
      layer.v = new Float64Array(layer.inputs);
      toUnit(layer.u);
      for (let i = 0; i < START_ITERATIONS; i++) iterate(layer);
    }
  }

  clip() {
    const { bound } = this.config;
    for (const array of parametersOf(this.critic)) {
      for (let i = 0; i < array.length; i++) array[i] = Math.min(bound, Math.max(-bound, array[i]));
    }
  }

  criticLeaves() {
    if (this.config.constraint !== "sn") return leavesOf(this.critic);
    return leavesOf(this.critic, this.critic.layers.map(({ weight, sigma }) => weight.map((value) => value / sigma)));
  }

  fakes(latent) {
    const z = leaf(latent.length / LATENT, LATENT, latent);
    return forward(this.generator, leavesOf(this.generator), z).data.slice();
  }

  /** λ times the mean penalty at ε x + (1 − ε) x̃, as an expression. */
  penalty(leaves, real, fake, epsilon) {
    const { constraint, weight } = this.config;
    const between = real.map((value, at) => epsilon[at >> 1] * value + (1 - epsilon[at >> 1]) * fake[at]);
    const points = leaf(epsilon.length, 2, between);
    const [slope] = gradient(forward(this.critic, leaves, points), [points]);
    const excess = affine(power(sumOverColumns(times(slope, slope)), 0.5), 1, -1);
    const charged = constraint === "lp" ? leaky(excess, 0) : excess;
    return affine(mean(times(charged, charged)), weight);
  }

  /** Loss of the critic and its gradients in the order of `parametersOf`, on batches x0, y0, x1, y1, … */
  criticLoss(real, fake, epsilon) {
    const leaves = this.criticLeaves();
    const [atReal, atFake] = [real, fake].map((batch) => mean(forward(this.critic, leaves, leaf(batch.length / 2, 2, batch))));
    let loss = sub(atFake, atReal);
    const penalised = ["gp", "lp"].includes(this.config.constraint) && this.config.weight > 0;
    if (penalised) loss = add(loss, this.penalty(leaves, real, fake, epsilon));
    const gradients = gradient(loss, leaves).map((value) => value?.data);
    if (this.config.constraint === "sn") {
      this.critic.layers.forEach((layer, i) => { gradients[2 * i] = throughSigma(layer, gradients[2 * i]); });
    }
    return { loss: loss.data[0], gradients };
  }

  criticStep(real, fake, epsilon) {
    const { loss, gradients } = this.criticLoss(real, fake, epsilon);
    this.criticOptimiser(gradients);
    if (this.config.constraint === "clip") this.clip();
    if (this.config.constraint === "sn") this.critic.layers.forEach(iterate);
    release();
    return loss;
  }

  generatorLoss(latent) {
    const leaves = leavesOf(this.generator);
    const made = forward(this.generator, leaves, leaf(latent.length / LATENT, LATENT, latent));
    const loss = affine(mean(forward(this.critic, this.criticLeaves(), made)), -1);
    return { loss: loss.data[0], gradients: gradient(loss, leaves).map((value) => value?.data) };
  }

  generatorStep(latent) {
    const { loss, gradients } = this.generatorLoss(latent);
    this.generatorOptimiser(gradients);
    release();
    return loss;
  }

  /** One round, with draws of its own. */
  train() {
    const { batch, criticSteps, epsilon } = this.config;
    for (let step = 0; step < criticSteps; step++) {
      const real = sample(this.source, batch, this.random);
      const fake = this.fakes(this.random.normals(LATENT * batch));
      const weights = epsilon === "one" ? new Float64Array(batch).fill(1) : this.random.uniforms(batch);
      this.criticStep(real, fake, weights);
    }
    this.generatorStep(this.random.normals(LATENT * batch));
    this.round += 1;
  }

  /** The critic's values at points, and their gradients if wanted, from the statistics of training if it has a norm. */
  look(points, training = false, slopes = true) {
    const x = leaf(points.length / 2, 2, points);
    const norms = this.critic.layers.map(({ norm }) => norm && { mean: norm.mean.slice(), variance: norm.variance.slice() });
    const scores = forward(this.critic, this.criticLeaves(), x, training);
    const found = { values: scores.data.slice(), slopes: slopes ? gradient(scores, [x])[0].data.slice() : null };
    norms.forEach((norm, i) => norm && Object.assign(this.critic.layers[i].norm, norm)); // a look changes nothing
    release();
    return found;
  }

  /** What one sees at this round: points, arrows, the optimal transport, the critic's estimate and the exact W₁. */
  state() {
    const fake = this.fakes(this.latent);
    const [atReal, atFake] = [this.real, fake].map((points) => average(this.look(points, true, false).values));
    const { slopes } = this.look(fake);
    const finite = fake.every(Number.isFinite) && Number.isFinite(atReal - atFake);
    const plan = finite ? assign(distances(fake, this.real), EVALUATED) : { partner: null, mean: NaN };
    return {
      round: this.round,
      finite,
      real: this.real,
      fake,
      slopes,
      partner: plan.partner,
      distance: plan.mean,
      estimate: atReal - atFake,
      modes: this.source.modes.length,
      covered: coveredModes(this.source, fake),
    };
  }

  /** The critic and the length of its gradient on a square grid, from −extent to extent, the lowest row first. */
  surface(side, extent) {
    const points = new Float64Array(2 * side * side);
    const tick = (i) => extent * ((2 * i) / (side - 1) - 1);
    for (let i = 0; i < side * side; i++) points.set([tick(i % side), tick(Math.floor(i / side))], 2 * i);
    const { values, slopes } = this.look(points);
    return { side, extent, values, norms: values.map((_, i) => Math.hypot(slopes[2 * i], slopes[2 * i + 1])) };
  }
}

const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
