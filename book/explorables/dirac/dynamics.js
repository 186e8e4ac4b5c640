/*
 * The Dirac-GAN of chapter 9: fields, Jacobians at the equilibrium, and training by gradient steps, as in
 * `wgan_course.dynamics`. With ℓ(t) = −log(1 + exp(−t)), ℓ′(t) = 1/(1 + eᵗ); ψ climbs, θ descends.
 */

const rise = (t) => 1 / (1 + Math.exp(t));
const bend = (t) => -rise(t) * (1 - rise(t));
const NODES = 48;
const FARTHEST = 8; // of the noise, in standard deviations

/** Nodes and weights for means over standard normal noise: the trapezoidal rule, exact to 1e-12 for these fields. */
const NOISE = Array.from({ length: 2 * NODES + 1 }, (_, i) => FARTHEST * (i / NODES - 1)).map((x) => [x, Math.exp((-x * x) / 2)]);
const TOTAL = NOISE.reduce((sum, [, weight]) => sum + weight, 0);
const meanOver = (f) => NOISE.reduce((sum, [x, weight]) => sum + weight * f(x), 0) / TOTAL;

const minimax = (theta, psi) => [-psi * rise(psi * theta), theta * rise(psi * theta)];

/** The methods: how they are called, what their one number means, and where they move. */
export const METHODS = {
  minimax: { label: "minimax", field: minimax },
  "non-saturating": { label: "non-saturating", field: (theta, psi) => [-psi * rise(-psi * theta), theta * rise(psi * theta)] },
  "least-squares": { label: "least squares", field: (theta, psi) => [-psi * (1 + psi * theta), theta * (1 - psi * theta)] },
  wgan: { label: "Wasserstein, no constraint", field: (theta, psi) => [-psi, theta] },
  clip: { label: "Wasserstein, clipping", parameter: ["Bound c", 1], field: (theta, psi) => [-psi, theta], project: (psi, c) => Math.min(c, Math.max(-c, psi)) },
  gp: { label: "Wasserstein, two-sided penalty", parameter: ["Weight λ", 1], field: (theta, psi, weight) => [-psi, theta - weight * (Math.abs(psi) - 1) * Math.sign(psi)] },
  lp: { label: "Wasserstein, one-sided penalty", parameter: ["Weight λ", 1], field: (theta, psi, weight) => [-psi, theta - weight * Math.max(Math.abs(psi) - 1, 0) * Math.sign(psi)] },
  r1: {
    label: "minimax, R1", parameter: ["Weight γ", 1],
    field: (theta, psi, weight) => [minimax(theta, psi)[0], minimax(theta, psi)[1] - weight * psi],
  },
  "instance-noise": {
    label: "minimax, instance noise", parameter: ["Standard deviation", 1],
    field: (theta, psi, std) => [
      -psi * meanOver((e) => rise(psi * (theta + std * e))),
      meanOver((e) => (theta + std * e) * rise(psi * (theta + std * e)) - std * e * rise(-psi * std * e)),
    ],
  },
  consensus: {
    label: "minimax, consensus", parameter: ["Weight w", 1],
    field(theta, psi, weight) {
      const [own, other] = minimax(theta, psi);
      const [r, first, second] = [theta ** 2 + psi ** 2, rise(psi * theta), bend(psi * theta)];
      return [own - weight * (theta * first ** 2 + r * psi * first * second), other - weight * (psi * first ** 2 + r * theta * first * second)];
    },
  },
};

/** The Jacobian at a point by central differences: rows θ and ψ. */
export function jacobian(name, parameter, theta = 0, psi = 0, step = 1e-5) {
  const { field } = METHODS[name];
  const columns = [[step, 0], [0, step]].map(([a, b]) => {
    const [ahead, back] = [1, -1].map((sign) => field(theta + sign * a, psi + sign * b, parameter));
    return ahead.map((value, i) => (value - back[i]) / (2 * step));
  });
  return [0, 1].map((i) => columns.map((column) => column[i]));
}

/** Real and imaginary part of the eigenvalue with the larger real part (and the imaginary part that is not negative). */
export function eigenvalue([[a, b], [c, d]]) {
  const inside = ((a - d) / 2) ** 2 + b * c;
  const root = Math.sqrt(Math.abs(inside));
  return inside >= 0 ? [(a + d) / 2 + root, 0] : [(a + d) / 2, root];
}

/** States of training, the start first; it ends early once the numbers leave all bounds. */
export function simulate({ name, parameter, start, steps, rate, criticSteps = 1, alternating = false }) {
  const { field, project = (psi) => psi } = METHODS[name];
  const states = [start];
  for (let k = 0; k < steps; k++) {
    const [theta, before] = states[k];
    let psi = before;
    for (let i = 0; i < criticSteps; i++) psi = project(psi + rate * field(theta, psi, parameter)[1], parameter);
    const next = [theta + rate * field(theta, alternating ? psi : before, parameter)[0], psi];
    if (!next.every((value) => Math.abs(value) < 1e6)) break;
    states.push(next);
  }
  return states;
}
