/* The dual on a line: W₁ against the package's, and what a push of the cone keeps. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { distance, optimal, push, score, steepest } from "../../book/explorables/dual_potential/dual.js";
import { generator } from "../../book/explorables/playground/random.js";

const truth = process.env.TRUTH && JSON.parse(readFileSync(process.env.TRUTH, "utf8"));
const random = generator(1);
const cases = Array.from({ length: 50 }, () => ({ real: [...random.normals(3)], fake: [...random.normals(3)] }));

test("W₁ is the package's", { skip: truth ? false : "run by test_small_figures.py" }, () => {
  for (const { real, fake, w1 } of truth) assert.ok(Math.abs(distance(real, fake) - w1) < 1e-9);
});

test("the optimal critic is 1-Lipschitz and reaches W₁", () => {
  for (const { real, fake } of cases) {
    const values = optimal(real, fake);
    assert.ok(steepest([...real, ...fake], values) <= 1 + 1e-9);
    assert.ok(Math.abs(score(values.slice(0, 3), values.slice(3)) - distance(real, fake)) < 1e-9);
  }
});

test("a push sets the point, keeps slope one, moves nothing that need not move, and never beats W₁", () => {
  for (const { real, fake } of cases) {
    const places = [...real, ...fake];
    let values = places.map(() => 0);
    for (let i = 0; i < 30; i++) {
      const which = Math.floor(6 * random.uniform());
      const value = 2 * random.normal();
      const before = values;
      values = push(places, values, which, value);
      assert.equal(values[which], value);
      assert.ok(steepest(places, values) <= 1 + 1e-9);
      values.forEach((now, j) => {
        const room = Math.abs(places[j] - places[which]);
        if (Math.abs(before[j] - value) <= room) assert.equal(now, before[j]);
      });
      assert.ok(score(values.slice(0, 3), values.slice(3)) <= distance(real, fake) + 1e-9);
    }
  }
});

test("the steepest slope is found between points that are not neighbours in the list", () => {
  assert.equal(steepest([0, 5, 1], [0, 1, 3]), 3);
});
