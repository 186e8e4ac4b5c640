/* The playground's mathematics, against finite differences and against the package's numbers (see test_playground.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { assign, distances } from "../../book/explorables/playground/assignment.js";
import { gradient, leaf, leaky, mean, mulNN, mulNT, mulTN, power, release, sumOverColumns, times } from "../../book/explorables/playground/autodiff.js";
import { coveredModes, distribution, moon, ring, roll, sample } from "../../book/explorables/playground/data.js";
import { levelLines } from "../../book/explorables/playground/maps.js";
import { forward, leavesOf, parametersOf } from "../../book/explorables/playground/networks.js";
import { hasPairs, multiplyPairs, multiplyPlain } from "../../book/explorables/playground/products.js";
import { generator } from "../../book/explorables/playground/random.js";
import { fromQuery, PRESETS, START, toQuery } from "../../book/explorables/playground/settings.js";
import { Game, iterate } from "../../book/explorables/playground/training.js";

const truth = process.env.PLAYGROUND_TRUTH && JSON.parse(readFileSync(process.env.PLAYGROUND_TRUTH, "utf8"));
const fromPackage = { skip: truth ? false : "run by test_playground.py, which asks the package" };
const TOLERANCE = 1e-5;

const flat = (nested) => Float64Array.from([nested].flat(Infinity).flatMap((part) => (ArrayBuffer.isView(part) ? [...part] : part)));

function close(found, wanted, tolerance = TOLERANCE, what = "") {
  const [left, right] = [found, wanted].map(flat);
  assert.equal(left.length, right.length, what);
  const scale = Math.max(1e-3, ...right.map(Math.abs));
  left.forEach((value, i) => assert.ok(Math.abs(value - right[i]) <= tolerance * scale, `${what}[${i}]: ${value}, not ${right[i]}`));
}

function setNetwork(network, weights) {
  network.layers.forEach((layer, i) => {
    layer.weight.set(flat(weights[i].weight));
    layer.bias.set(flat(weights[i].bias));
    if (layer.norm) {
      layer.norm.scale.set(flat(weights[i].scale));
      layer.norm.shift.set(flat(weights[i].shift));
    }
    if (weights[i].u) Object.assign(layer, { u: flat(weights[i].u), v: flat(weights[i].v), sigma: weights[i].sigma });
  });
}

function gameOf(known) {
  const game = new Game({ ...START, ...known.config });
  setNetwork(game.critic, known.critic);
  if (known.generator) setNetwork(game.generator, known.generator);
  return game;
}

/** Differences of the loss in a few entries of each array, beside the gradients. */
function compareWithDifferences(arrays, gradients, loss) {
  const step = 1e-6;
  arrays.forEach((array, which) => {
    for (let at = 0; at < array.length; at += Math.max(1, Math.floor(array.length / 7))) {
      const before = array[at];
      array[at] = before + step;
      const above = loss();
      array[at] = before - step;
      const below = loss();
      array[at] = before;
      const slope = (above - below) / (2 * step);
      assert.ok(Math.abs(slope - gradients[which][at]) < 1e-5 * Math.max(1, Math.abs(slope)), `array ${which}, entry ${at}: ${gradients[which][at]}, not ${slope}`);
    }
  });
}

test("products by pairs of numbers are those of plain JavaScript, to the last bit", () => {
  assert.ok(hasPairs);
  for (const [n, inner, m] of [[1, 1, 1], [4, 1, 4], [5, 3, 7], [64, 128, 64], [128, 64, 63], [130, 64, 65]]) {
    const random = generator(n + m);
    const [a, b] = [random.normals(n * inner), random.normals(inner * m)];
    for (const steps of [[inner, 1, m, 1], [1, n, m, 1], [inner, 1, 1, inner], [1, n, 1, inner]]) {
      const [pairs, plain] = [multiplyPairs, multiplyPlain].map((multiply) => {
        const out = new Float64Array(n * m).fill(NaN);
        multiply(out, a, b, n, m, inner, ...steps);
        return out;
      });
      assert.deepEqual(pairs, plain);
    }
  }
});

for (const [rows, inner, columns] of [[1, 1, 1], [4, 3, 2], [5, 2, 3], [7, 9, 1], [128, 64, 63]]) {
  test(`products of ${rows}×${inner} and ${inner}×${columns}`, () => {
    const random = generator(rows);
    const [a, b] = [random.normals(rows * inner), random.normals(inner * columns)];
    const turned = (x, n, m) => Float64Array.from({ length: n * m }, (_, at) => x[(at % n) * m + Math.floor(at / n)]);
    const plain = Float64Array.from({ length: rows * columns }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a[Math.floor(at / columns) * inner + k] * b[k * columns + (at % columns)];
      return sum;
    });
    const [left, right] = [leaf(rows, inner, a), leaf(inner, columns, b)];
    const [leftT, rightT] = [leaf(inner, rows, turned(a, rows, inner)), leaf(columns, inner, turned(b, inner, columns))];
    for (const product of [mulNN(left, right), mulNT(left, rightT), mulTN(leftT, right)]) close(product.data, plain, 1e-12);
    release();
  });
}

test("a third derivative: of x⁴ it is 24 x", () => {
  const x = leaf(1, 3, Float64Array.of(-1, 0, 2));
  const [first] = gradient(power(x, 4), [x]);
  const [second] = gradient(first, [x]);
  const [third] = gradient(second, [x]);
  close(third.data, [-24, 0, 48], 1e-12);
  release();
});

test("a leaky ReLU and its slope, at both zeros too", () => {
  const x = leaf(1, 6, Float64Array.of(2, -2, 0, -0, 1e-300, -1e-300));
  const out = leaky(x, 0.2);
  close(out.data, [2, -0.4, 0, 0, 1e-300, -2e-301], 1e-12);
  close(gradient(out, [x])[0].data, [1, 0.2, 0.2, 0.2, 1, 0.2], 1e-12);
  close(leaky(x, 0).data, [2, 0, 0, 0, 1e-300, 0], 1e-12);
  release();
});

test("the norm of a zero gradient has derivative zero, not NaN", () => {
  const x = leaf(2, 2, Float64Array.of(0, 0, 3, 4));
  const [slope] = gradient(mean(power(sumOverColumns(times(x, x)), 0.5)), [x]);
  close(slope.data, [0, 0, 0.3, 0.4], 1e-12);
  release();
});

for (const set of [
  { constraint: "gp", weight: 10 }, { constraint: "lp", weight: 10 }, { constraint: "gp", weight: 10, batchNorm: true },
  { constraint: "none" }, { constraint: "sn" },
]) {
  test(`critic's gradients against finite differences: ${JSON.stringify(set)}`, () => {
    const game = new Game({ ...START, ...set, hidden: 9, batch: 10 });
    const random = generator(5);
    const [real, fake, epsilon] = [random.normals(20), random.normals(20), random.uniforms(10)];
    for (const bias of game.critic.layers.map((layer) => layer.bias)) bias.set(random.normals(bias.length));
    const loss = () => {
      if (set.constraint === "sn") {
        for (const layer of game.critic.layers) { // u and v are constants, σ = uᵀ W v is not
          layer.sigma = layer.u.reduce((sum, u, i) => sum + u * layer.v.reduce((one, v, j) => one + v * layer.weight[i * layer.inputs + j], 0), 0);
        }
      }
      const found = game.criticLoss(real, fake, epsilon).loss;
      release();
      return found;
    };
    loss();
    const gradients = game.criticLoss(real, fake, epsilon).gradients.map((one, i) => one?.slice() ?? new Float64Array(parametersOf(game.critic)[i].length));
    release();
    compareWithDifferences(parametersOf(game.critic), gradients, loss);
  });
}

test("generator's gradients against finite differences", () => {
  const game = new Game({ ...START, hidden: 9 });
  const latent = generator(2).normals(24);
  const loss = () => {
    const found = game.generatorLoss(latent).loss;
    release();
    return found;
  };
  const gradients = game.generatorLoss(latent).gradients.map((one) => one.slice());
  release();
  compareWithDifferences(parametersOf(game.generator), gradients, loss);
});

for (const name of ["gp", "lp", "sn", "none", "batchNorm"]) {
  test(`critic's loss and gradients as in the package: ${name}`, fromPackage, () => {
    const known = truth.critics[name];
    const game = gameOf(known);
    const { loss, gradients } = game.criticLoss(flat(known.real), flat(known.fake), flat(known.epsilon));
    close(loss, known.loss, TOLERANCE, "loss");
    known.gradients.forEach((wanted, i) => close(gradients[i] ?? new Float64Array(flat(wanted).length), wanted, TOLERANCE, `gradient ${i}`));
    release();
  });
}

test("generator's gradients as in the package", fromPackage, () => {
  const game = gameOf(truth.generator);
  const { loss, gradients } = game.generatorLoss(flat(truth.generator.latent));
  close(loss, truth.generator.loss);
  truth.generator.gradients.forEach((wanted, i) => close(gradients[i], wanted, TOLERANCE, `gradient ${i}`));
  release();
});

for (const name of ["gp", "clip"]) {
  test(`weights after rounds of training as in PyTorch: ${name}`, fromPackage, () => {
    const known = truth.training[name];
    const game = gameOf(known);
    for (const round of known.rounds) {
      for (const { real, latent, epsilon } of round.critic) game.criticStep(flat(real), game.fakes(flat(latent)), flat(epsilon));
      game.generatorStep(flat(round.latent));
    }
    parametersOf(game.critic).forEach((array, i) => close(array, known.after.critic[i], TOLERANCE, `critic ${i}`));
    parametersOf(game.generator).forEach((array, i) => close(array, known.after.generator[i], TOLERANCE, `generator ${i}`));
  });
}

test("exact W₁ as the package's linear programme has it", fromPackage, () => {
  for (const { a, b, distance } of truth.distances) close(assign(distances(flat(a), flat(b)), a.length).mean, distance, 1e-9);
});

test("curves of the data are the package's", fromPackage, () => {
  const { places, roll: rolled, moon: mooned, ring: ringed } = truth.data;
  close(flat(places.map(roll)), rolled, 1e-6);
  close(flat(places.map(moon)), mooned, 1e-6);
  close(flat(ring(8, 2)), ringed, 1e-6);
});

test("an assignment is a permutation, and no exchange of two partners makes it cheaper", () => {
  const random = generator(3);
  const n = 40;
  const cost = distances(random.normals(2 * n), random.normals(2 * n));
  const { partner, mean: cheapest } = assign(cost, n);
  assert.deepEqual([...partner].sort((a, b) => a - b), [...Array(n).keys()]);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) {
    const change = cost[i * n + partner[j]] + cost[j * n + partner[i]] - cost[i * n + partner[i]] - cost[j * n + partner[j]];
    assert.ok(change >= -1e-12);
  }
  close(cheapest, partner.reduce((sum, j, i) => sum + cost[i * n + j], 0) / n, 1e-12);
});

test("the same seed gives the same run, and a look does not change it", () => {
  const run = (look, set = {}) => {
    const game = new Game({ ...START, ...set, hidden: 8, batch: 16 });
    for (let i = 0; i < 5; i++) {
      game.train();
      if (look) {
        game.state();
        game.surface(5, 3);
      }
    }
    return [...parametersOf(game.critic), ...parametersOf(game.generator), ...game.critic.layers.map(({ norm }) => norm?.mean ?? [])].map((array) => [...array]);
  };
  assert.deepEqual(run(true), run(false));
  assert.deepEqual(run(true, { batchNorm: true }), run(false, { batchNorm: true }));
  assert.notDeepEqual(run(false), run(false, { seed: 2 }));
});

test("clipping holds every parameter within the bound, from the start", () => {
  const game = new Game({ ...START, constraint: "clip", bound: 0.03, hidden: 8 });
  const largest = () => Math.max(...parametersOf(game.critic).map((array) => Math.max(...array.map(Math.abs))));
  assert.ok(largest() <= 0.03);
  game.train();
  assert.ok(largest() <= 0.03);
  assert.ok(largest() > 0.02);
});

test("with spectral normalisation no gradient is longer than one", () => {
  const game = new Game({ ...START, constraint: "sn", hidden: 16 });
  for (let i = 0; i < 20; i++) game.train();
  for (let i = 0; i < 200; i++) game.critic.layers.forEach(iterate);
  const { norms } = game.surface(20, 3);
  assert.ok(Math.max(...norms) <= 1 + 1e-6);
  assert.ok(Math.max(...norms) > 0.1);
});

test("modes: all are covered by the data, one by points at one mode, none by points far away", () => {
  const source = distribution("twenty-five-gaussians");
  assert.equal(coveredModes(source, sample(source, 2000, generator(1))), 25);
  assert.equal(coveredModes(source, Float64Array.from({ length: 200 }, (_, i) => source.modes[0][i % 2])), 1);
  assert.equal(coveredModes(source, new Float64Array(200).fill(9)), 0);
});

test("level lines of x are vertical, at the right place", () => {
  const side = 5;
  const pieces = levelLines(Float64Array.from({ length: side * side }, (_, at) => at % side), side, 1.5);
  assert.equal(pieces.length, side - 1);
  for (const [x0, , x1] of pieces) assert.deepEqual([x0, x1], [1.5, 1.5]);
});

test("a link restores each preset and each setting", () => {
  for (const { set } of Object.values(PRESETS)) assert.deepEqual(fromQuery(toQuery({ ...START, ...set })), { ...START, ...set });
  const other = { ...START, data: "swiss-roll", criticSteps: 3, rate: 0.0003, hidden: 32, seed: 7, weight: 0 };
  assert.deepEqual(fromQuery(toQuery(other)), other);
  const drawn = [[-3, 3], [0.0303, 1.5]];
  const back = fromQuery(toQuery({ ...START, data: "drawn", drawn })).drawn;
  back.forEach((point, i) => close(point, drawn[i], 0.02));
});

test("a link cannot set what is not there", () => {
  assert.deepEqual(fromQuery("playground=1&data=toString&constraint=__proto__&hidden=1e9&rate=-1&weight=x&drawn=12"), START);
});

test("a perceptron without norm treats samples one by one", () => {
  const game = new Game({ ...START, hidden: 8 });
  const points = generator(4).normals(12);
  const all = forward(game.critic, leavesOf(game.critic), leaf(6, 2, points)).data.slice();
  const one = forward(game.critic, leavesOf(game.critic), leaf(1, 2, points.slice(4, 6))).data[0];
  close(one, all[2], 1e-12);
  release();
});
