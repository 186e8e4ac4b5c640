/*
 * The dual of optimal transport on a line, for a few real and as many generated points of equal weight.
 *
 * A critic is its values at the points; 1-Lipschitz means that no two of them differ by more than their places. Its
 * score is the mean over real points minus that over generated ones, at most W₁ (chapter 3).
 */

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** W₁ of two samples of one size: sorted points are matched in order. */
export function distance(real, fake) {
  const [a, b] = [real, fake].map((points) => [...points].sort((x, y) => x - y));
  return mean(a.map((x, i) => Math.abs(x - b[i])));
}

/** The score of a critic with these values. */
export const score = (atReal, atFake) => mean(atReal) - mean(atFake);

/** The steepest slope between two of the points. */
export function steepest(places, values) {
  let most = 0;
  for (let i = 0; i < places.length; i++) {
    for (let j = 0; j < i; j++) most = Math.max(most, Math.abs((values[i] - values[j]) / (places[i] - places[j])));
  }
  return most;
}

/** Give one point a new value, and push the others no further than the cone around it makes them go. */
export function push(places, values, which, value) {
  return values.map((old, i) => {
    const room = Math.abs(places[i] - places[which]);
    return Math.min(value + room, Math.max(value - room, old));
  });
}

/** An optimal critic: slope 1 where more generated than real points lie to the left, −1 where fewer, 0 where as many. */
export function optimal(real, fake) {
  const points = [...real.map((x) => [x, -1]), ...fake.map((x) => [x, 1])].sort((a, b) => a[0] - b[0]);
  const values = new Map();
  let [height, excess] = [0, 0];
  points.forEach(([x, sign], i) => {
    if (i) height += Math.sign(excess) * (x - points[i - 1][0]);
    values.set(x, height);
    excess += sign;
  });
  return [...real, ...fake].map((x) => values.get(x));
}
