/*
 * Plans that carry piles of earth into holes on a line. A plan is a matrix: row i says where the earth of pile i goes.
 * Masses are shares of 1. On a line the plan that goes through both from left to right is optimal (chapter 2).
 */

const NONE = 1e-12;

export const shares = (heights) => {
  const total = heights.reduce((sum, height) => sum + height, 0);
  return heights.map((height) => height / total);
};

export const cost = (plan, piles, holes) =>
  plan.reduce((sum, row, i) => sum + row.reduce((own, mass, j) => own + mass * Math.abs(piles[i] - holes[j]), 0), 0);

/** Fill pairs of a pile and a hole in this order, each as far as both allow. */
function fill(a, b, pairs) {
  const [left, room] = [[...a], [...b]];
  const plan = a.map(() => b.map(() => 0));
  for (const [i, j] of pairs) {
    const mass = Math.min(left[i], room[j]);
    if (mass <= NONE) continue;
    plan[i][j] += mass;
    left[i] -= mass;
    room[j] -= mass;
  }
  return plan;
}

const every = (a, b) => a.flatMap((_, i) => b.map((__, j) => [i, j]));

/** Ways to make a plan from shares and places, by name. */
export const PLANS = {
  monotone: (a, b) => fill(a, b, every(a, b)),
  crossing: (a, b) => fill(a, b, every(a, b).sort(([i, j], [k, l]) => i - k || l - j)),
  nearest: (a, b, piles, holes) => {
    const length = ([i, j]) => Math.abs(piles[i] - holes[j]);
    return fill(a, b, every(a, b).sort((p, q) => length(p) - length(q)));
  },
  independent: (a, b) => a.map((mass) => b.map((share) => mass * share)),
};

/** How little and how much a plan may send from i to j if the last row and column make up for it, all else kept. */
export function interval(plan, i, j) {
  const [last, end] = [plan.length - 1, plan[0].length - 1];
  return [Math.max(0, plan[i][j] - plan[last][end]), plan[i][j] + Math.min(plan[i][end], plan[last][j])];
}

/** The plan that sends this much from i to j, made up for in the last row and column. */
export function send(plan, i, j, mass) {
  const [low, high] = interval(plan, i, j);
  const more = Math.min(high, Math.max(low, mass)) - plan[i][j];
  const [last, end] = [plan.length - 1, plan[0].length - 1];
  const change = (k, l) => (k === i && l === j ? more : k === last && l === end ? more : k === i && l === end ? -more : k === last && l === j ? -more : 0);
  return plan.map((row, k) => row.map((old, l) => Math.max(0, old + change(k, l))));
}
