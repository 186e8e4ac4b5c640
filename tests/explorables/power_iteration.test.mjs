/* Power iteration in its own basis, against the package's on whole matrices, and against what chapter 7 proves. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { angleTo, bounds, LARGEST, relativeError, run, spectrum, start, step, turned } from "../../book/explorables/power_iteration/iteration.js";

const truth = process.env.TRUTH && JSON.parse(readFileSync(process.env.TRUTH, "utf8"));
const close = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a}, not ${b}`);

test("estimates are the package's on the whole matrix", { skip: truth ? false : "run by test_small_figures.py" }, () => {
  for (const { kind, ratio, angle, turn, estimates } of truth) {
    const { warm } = run(spectrum(kind, ratio), angle, turn, estimates.length - 1);
    estimates.forEach((wanted, k) => close(LARGEST * (1 - warm[k]), wanted));
  }
});

test("errors without a turn never rise, and stay below what is proved", () => {
  for (const kind of ["two", "many"]) for (const ratio of [0, 0.3, 0.8, 0.97]) for (const angle of [0, 0.4, 1.4]) {
    const sigmas = spectrum(kind, ratio);
    const { warm } = run(sigmas, angle, 0, 40);
    const proved = bounds(sigmas, angle, 0, 40);
    warm.forEach((error, k) => {
      assert.ok(error <= proved[k] + 1e-15);
      assert.ok(!k || error <= warm[k - 1] + 1e-15);
    });
  }
});

test("with two values the tangent falls by (σ₂/σ₁)² a step, exactly", () => {
  const { vectors } = run(spectrum("two", 0.9), 1.2, 0, 5);
  vectors.forEach((vector, k) => close(Math.tan(angleTo(vector)), 0.81 ** k * Math.tan(1.2)));
});

test("a warm vector that has come near stays below the bound while W turns; a cold one does not", () => {
  const [sigmas, turn] = [spectrum("two", 0.8), 0.05];
  const [level] = bounds(sigmas, 0, turn, 0);
  const { warm, cold } = run(sigmas, 0, turn, 60);
  assert.ok(warm.every((error) => error <= level));
  assert.ok(cold.some((error) => error > level));
});

test("while W turns, the bound begins at the first step as near as it assumes, and holds from there", () => {
  const DEGREE = Math.PI / 180;
  const begins = [];
  for (const kind of ["two", "many"]) for (const ratio of [0, 0.3, 0.8, 0.97]) for (const angle of [-80, 0, 30, 85]) for (const turn of [0.5, 5, 20]) {
    const sigmas = spectrum(kind, ratio);
    const [rho, kappa] = [ratio ** 2, Math.tan(turn * DEGREE)];
    const assumed = (2 * rho * kappa) / (1 - rho);
    const { vectors, warm } = run(sigmas, angle * DEGREE, turn * DEGREE, 60);
    const proved = bounds(sigmas, angle * DEGREE, turn * DEGREE, 60);
    const first = 2 * Math.sqrt(rho) * kappa <= 1 - rho ? vectors.findIndex((vector) => Math.tan(angleTo(vector)) <= assumed) : -1;
    proved.forEach((value, k) => {
      if (first < 0 || k < first) return assert.ok(Number.isNaN(value));
      close(value, assumed ** 2);
      assert.ok(warm[k] <= value + 1e-15);
    });
    begins.push(first < 0 ? "never" : first ? "later" : "at once");
  }
  assert.deepEqual(new Set(begins), new Set(["never", "later", "at once"]));
  const [late, errors] = [bounds(spectrum("two", 0.8), 80 * DEGREE, DEGREE, 20), run(spectrum("two", 0.8), 80 * DEGREE, DEGREE, 20).warm];
  assert.ok(errors[0] > late[20] && Number.isNaN(late[0])); // far from the target nothing is claimed
});

test("a tie and a right angle are where they stay", () => {
  const tie = run(spectrum("two", 1), 1, 0, 5);
  tie.warm.forEach((error) => close(error, 0));
  close(angleTo(tie.vectors[5]), 1);
  close(relativeError([2, 1], step([2, 1], [0, 1])), 0.5);
});

test("start and turn keep length one, and a turn and its reverse cancel", () => {
  for (const size of [2, 20]) close(Math.hypot(...start(size, 0.7)), 1);
  turned(turned([0.6, 0.8, 3], 0.3), -0.3).forEach((value, i) => close(value, [0.6, 0.8, 3][i]));
});
