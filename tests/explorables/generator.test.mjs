/* The generator that runs in the page: its layers by hand, and its pictures against PyTorch's (see test_generator.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { inflateSync } from "node:zlib";

import { between, byTap, directionsFrom, doubled, fromHalf, Generator, latentAt, linear, nearest, oneOf, unpack } from "../../book/explorables/generator/generator.js";
import { generator as randomFrom } from "../../book/explorables/playground/random.js";

const truth = process.env.TRUTH && JSON.parse(readFileSync(process.env.TRUTH, "utf8"));
const fromPackage = { skip: truth ? false : "run by test_generator.py, which asks the package" };
const TOLERANCE = 1e-5;

const close = (found, wanted, tolerance = TOLERANCE) => {
  assert.equal(found.length, wanted.length);
  const worst = Math.max(...Array.from(found, (value, i) => Math.abs(value - wanted[i])));
  assert.ok(worst <= tolerance, `off by ${worst}`);
};

test("half precision", () => {
  const known = { 0: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504, 0x0001: 2 ** -24, 0x83ff: -1023 * 2 ** -24, 0x7c00: Infinity };
  for (const [bits, value] of Object.entries(known)) assert.equal(fromHalf(Number(bits)), value);
  assert.ok(Number.isNaN(fromHalf(0x7e00)));
});

test("arrays come out in their order and shapes", () => {
  const { one, two } = unpack([["one", [2, 2]], ["two", [1]]], Uint16Array.of(0x3c00, 0, 0, 0x3c00, 0xc000).buffer);
  assert.deepEqual([...one.values, ...two.values], [1, 0, 0, 1, -2]);
  assert.deepEqual([...linear(one, [3, 4], [1, 1])], [4, 5]);
});

test("a transposed convolution spreads a point over its kernel, cut off at the border", () => {
  const kernel = byTap({ shape: [1, 1, 4, 4], values: Float32Array.from({ length: 16 }, (_, i) => i) });
  close(doubled([1], 1, kernel, [0.5]), [5.5, 6.5, 9.5, 10.5]);
  const found = doubled([0, 0, 0, 1], 2, kernel, [0]);
  close(found, [0, 0, 0, 0, 0, 0, 1, 2, 0, 4, 5, 6, 0, 8, 9, 10]);
});

test("transposed convolutions are PyTorch's", fromPackage, () => {
  for (const { side, shape, kernel, bias, x, wanted } of truth.layers) {
    close(doubled(x, side, byTap({ shape, values: Float32Array.from(kernel) }), bias), wanted);
  }
});

test("pictures are PyTorch's, mixed labels too", fromPackage, () => {
  const bytes = Uint8Array.from(Buffer.from(truth.data.weights, "base64"));
  assert.ok(bytes.length < 2e6);
  const network = new Generator(truth.data.layout, bytes.buffer);
  for (const { z, label, image } of truth.pictures) close(network.make(z, label), image);
});

test("the nearest of the images that are sent along", fromPackage, () => {
  const known = inflateSync(Buffer.from(truth.data.images, "base64"));
  for (const { image, index, distance } of truth.neighbours) {
    const found = nearest(known, image);
    assert.equal(found.index, index);
    assert.ok(Math.abs(found.distance - distance) < 1e-4);
  }
});

test("every place of the map is a draw from N(0, I)", () => {
  const vectors = directionsFrom(randomFrom(5), 4000);
  for (const place of [[0, 0], [1, -2], [-3, 0.5]]) {
    const z = latentAt(place, vectors);
    const mean = z.reduce((sum, value) => sum + value, 0) / z.length;
    const square = z.reduce((sum, value) => sum + value ** 2, 0) / z.length;
    assert.ok(Math.abs(mean) < 4 / Math.sqrt(z.length));
    assert.ok(Math.abs(square - 1) < 4 * Math.sqrt(2 / z.length));
  }
  close(latentAt([Math.PI, 1], vectors), latentAt([-Math.PI, 1], vectors), 1e-12);
});

test("a walk has its ends, and its middle", () => {
  close(between([1, 2], [3, 6], 0), [1, 2]);
  close(between([1, 2], [3, 6], 1), [3, 6]);
  close(between(oneOf(3, 0), oneOf(3, 2), 0.25), [0.75, 0, 0.25]);
});
