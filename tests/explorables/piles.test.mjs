/* Plans: their margins, and the optimal one's cost against the package's linear programme. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { cost, interval, PLANS, send, shares } from "../../book/explorables/piles/plans.js";
import { generator } from "../../book/explorables/playground/random.js";

const truth = process.env.TRUTH && JSON.parse(readFileSync(process.env.TRUTH, "utf8"));
const [PLACES, HOLES] = [[0, 2, 5], [1.4, 3.2, 6]];
const random = generator(3);
const drawn = () => shares([...random.uniforms(3)].map((value) => value + 0.01));

function checkMargins(plan, a, b) {
  plan.forEach((row, i) => assert.ok(Math.abs(row.reduce((x, y) => x + y) - a[i]) < 1e-12));
  b.forEach((share, j) => assert.ok(Math.abs(plan.reduce((sum, row) => sum + row[j], 0) - share) < 1e-12));
  assert.ok(plan.flat().every((mass) => mass >= 0));
}

test("the plan from left to right costs what the package's optimal one costs", { skip: truth ? false : "run by test_small_figures.py" }, () => {
  for (const { piles, holes, a, b, value } of truth) assert.ok(Math.abs(cost(PLANS.monotone(a, b), piles, holes) - value) < 1e-9);
});

for (const [name, make] of Object.entries(PLANS)) {
  test(`${name}: a plan, and never cheaper than the one from left to right`, () => {
    for (let k = 0; k < 40; k++) {
      const [a, b] = [drawn(), drawn()];
      const plan = make(a, b, PLACES, HOLES);
      checkMargins(plan, a, b);
      assert.ok(cost(plan, PLACES, HOLES) >= cost(PLANS.monotone(a, b), PLACES, HOLES) - 1e-12);
    }
  });
}

test("the nearest pair first is not always optimal", () => {
  const half = [0.5, 0.5];
  const [piles, holes] = [[0, 2], [1.2, 3]];
  assert.ok(Math.abs(cost(PLANS.nearest(half, half, piles, holes), piles, holes) - 1.9) < 1e-12); // 2 → 1.2, then 0 → 3
  assert.ok(Math.abs(cost(PLANS.monotone(half, half), piles, holes) - 1.1) < 1e-12);
});

test("what one sends stays a plan, and goes as far as the interval", () => {
  for (let k = 0; k < 60; k++) {
    const [a, b] = [drawn(), drawn()];
    let plan = PLANS.independent(a, b);
    for (let n = 0; n < 10; n++) {
      const [i, j] = [Math.floor(2 * random.uniform()), Math.floor(2 * random.uniform())];
      const [low, high] = interval(plan, i, j);
      const wish = 2 * random.uniform() - 0.5;
      plan = send(plan, i, j, wish);
      checkMargins(plan, a, b);
      assert.ok(Math.abs(plan[i][j] - Math.min(high, Math.max(low, wish))) < 1e-12);
    }
  }
});
