/* The Dirac-GAN as the package has it: fields, eigenvalues, runs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { eigenvalue, jacobian, METHODS, simulate } from "../../book/explorables/dirac/dynamics.js";

const truth = process.env.TRUTH && JSON.parse(readFileSync(process.env.TRUTH, "utf8"));
const close = (found, wanted, tolerance, what) =>
  found.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) <= tolerance * Math.max(1, Math.abs(wanted[i])), `${what}: ${found}, not ${wanted}`));

test("every method of the package is there, and no other", { skip: truth ? false : "run by test_small_figures.py" }, () => {
  assert.deepEqual(Object.keys(METHODS).sort(), truth.map(({ name }) => name).sort());
});

for (const { name, parameter, fields, real, imaginary, runs } of truth || []) {
  test(`fields of ${name}`, () => {
    for (const { at, value } of fields) close(METHODS[name].field(...at, parameter), value, 1e-9, name);
  });
  test(`eigenvalues of ${name} at the equilibrium`, () => {
    if (name !== "gp") close(eigenvalue(jacobian(name, parameter)), [real, imaginary], 1e-6, name);
  });
  test(`runs of ${name}`, () => {
    for (const { rate, criticSteps, alternating, states } of runs) {
      const found = simulate({ name, parameter, start: states[0], steps: states.length - 1, rate, criticSteps, alternating });
      assert.equal(found.length, states.length);
      found.forEach((state, k) => close(state, states[k], 1e-8, `${name}, round ${k}`));
    }
  });
}

test("a run that leaves all bounds ends early, with finite numbers", () => {
  const states = simulate({ name: "wgan", start: [1, 1], steps: 1000, rate: 1 });
  assert.ok(states.length < 1000);
  assert.ok(states.flat().every(Number.isFinite));
});

test("simultaneous steps of the Wasserstein game grow by √(1 + h²) a round; alternating ones stay", () => {
  const last = (alternating) => Math.hypot(...simulate({ name: "wgan", start: [1, 0], steps: 200, rate: 0.1, alternating }).at(-1));
  close([last(false)], [1.01 ** 100], 1e-9, "growth");
  assert.ok(last(true) < 1.06);
});
