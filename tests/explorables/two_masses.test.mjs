/* Two masses: values against the package's, slopes against differences. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { overlap, slopes, values } from "../../book/explorables/two_masses/distances.js";

const truth = process.env.TRUTH && JSON.parse(readFileSync(process.env.TRUTH, "utf8"));

test("values as the package finds them", { skip: truth ? false : "run by test_small_figures.py" }, () => {
  for (const { theta, width, js, tv, w1, kl } of truth) {
    const found = values(theta, width);
    for (const [key, wanted] of Object.entries({ js, tv, w1 })) {
      assert.ok(Math.abs(found[key] - wanted) < 1e-5, `${key} at θ = ${theta}, width ${width}: ${found[key]}, not ${wanted}`);
    }
    assert.equal(found.kl, kl ?? Infinity);
  }
});

test("slopes are those of the values", () => {
  const step = 1e-6;
  for (const width of [0, 0.5, 1, 2]) {
    for (const theta of [-3.3, -0.37, 0.2, 0.9, 1.7, 4]) {
      for (const key of ["js", "tv", "w1"]) {
        const slope = (values(theta + step, width)[key] - values(theta - step, width)[key]) / (2 * step);
        assert.ok(Math.abs(slopes(theta, width)[key] - slope) < 1e-6, `${key} at ${theta}, width ${width}`);
      }
    }
  }
});

test("at a kink there is no slope, and apart from each other only W₁ has one that is not 0", () => {
  assert.ok(Number.isNaN(slopes(0, 1).w1));
  assert.ok(Number.isNaN(slopes(1, 1).js));
  assert.ok(Number.isNaN(slopes(0, 0).tv));
  assert.deepEqual([slopes(2, 1).js, slopes(2, 1).tv, slopes(-2, 1).w1], [0, 0, -1]);
});

test("masses that are points overlap at one place only", () => {
  assert.deepEqual([overlap(0, 0), overlap(1e-9, 0), overlap(0.25, 1)], [1, 0, 0.75]);
});
