/*
 * Power iteration in the basis of right singular vectors, where it multiplies each coordinate by σᵢ² and rescales.
 *
 * A weight that turns a little before each step stands for training; in its own basis the stored vector turns the other
 * way. `warm` goes on from the stored vector, `cold` takes one step from the start each time (prop-warm-start).
 */

export const LARGEST = 2;
const MANY = 20;

/** Singular values, the largest 2 and the second `ratio` of it; "many" has twenty, the rest falling evenly to 0.1. */
export function spectrum(kind, ratio) {
  const second = LARGEST * ratio;
  if (kind === "two") return [LARGEST, second];
  const low = Math.min(0.1, second);
  return [LARGEST, ...Array.from({ length: MANY - 1 }, (_, i) => second + ((low - second) * i) / (MANY - 2))];
}

/** A unit vector at this angle from the first coordinate, the rest of it spread evenly over the others. */
export const start = (size, angle) =>
  Array.from({ length: size }, (_, i) => (i ? Math.sin(angle) / Math.sqrt(size - 1) : Math.cos(angle)));

const unit = (vector) => {
  const length = Math.hypot(...vector);
  return length ? vector.map((value) => value / length) : vector;
};

export const step = (sigmas, vector) => unit(vector.map((value, i) => sigmas[i] ** 2 * value));

/** The vector's coordinates after the basis has turned by this angle in the plane of the first two. */
export const turned = ([a, b, ...rest], angle) =>
  [a * Math.cos(angle) + b * Math.sin(angle), b * Math.cos(angle) - a * Math.sin(angle), ...rest];

/** 1 − σ̂/σ₁ for σ̂ = ‖W v‖, without the loss of digits that the difference would bring. */
export function relativeError(sigmas, vector) {
  const defect = vector.reduce((sum, value, i) => sum + (1 - (sigmas[i] / sigmas[0]) ** 2) * value ** 2, 0);
  return defect / (1 + Math.sqrt(Math.max(0, 1 - defect)));
}

export const angleTo = (vector) => Math.atan2(Math.hypot(...vector.slice(1)), Math.abs(vector[0]));

/** So many steps, the basis turning by `turn` before each: vectors, and errors warm and cold, the start first. */
export function run(sigmas, angle, turn, steps) {
  const first = start(sigmas.length, angle);
  const vectors = [first];
  const cold = [relativeError(sigmas, first)];
  for (let k = 1; k <= steps; k++) {
    vectors.push(step(sigmas, turned(vectors[k - 1], turn)));
    cold.push(relativeError(sigmas, step(sigmas, turned(first, k * turn))));
  }
  return { vectors, warm: vectors.map((vector) => relativeError(sigmas, vector)), cold };
}

/**
 * What is proved of the errors of steps 0 to `last`, NaN where nothing is: ρ²ᵏ tan²θ₀ where the weight stays; b² with
 * b = 2ρκ/(1 − ρ) where it turns and is not too fast, from the first step with tan θ ≤ b, as prop-warm-start assumes.
 */
export function bounds(sigmas, angle, turn, last) {
  const rho = (sigmas[1] / sigmas[0]) ** 2;
  const { vectors } = run(sigmas, angle, turn, last);
  if (!turn) return vectors.map((_, k) => rho ** (2 * k) * Math.tan(angle) ** 2);
  const kappa = Math.tan(Math.abs(turn));
  const b = (2 * rho * kappa) / (1 - rho);
  const slow = kappa <= (1 - rho) / (2 * Math.sqrt(rho));
  const first = slow ? vectors.findIndex((vector) => Math.tan(angleTo(vector)) <= b) : -1;
  return vectors.map((_, k) => (first >= 0 && k >= first ? b ** 2 : NaN));
}
