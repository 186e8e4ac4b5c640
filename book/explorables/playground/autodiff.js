/*
 * Reverse-mode differentiation of matrix expressions, exact to any order.
 *
 * The backward pass of each operation is written in the same operations, so a gradient is an expression again and can
 * be differentiated once more: that is all that the double backward of a gradient penalty needs. Where an operation is
 * linear with constant coefficients (the mask of a ReLU), the coefficients carry no gradient, and nothing is computed
 * for them. Matrices are rows × cols in row-major Float64Arrays, taken from a pool that `release` gives back.
 */

import { multiplyInto } from "./products.js";

const pool = new Map();
let count = 0;

function buffer(size) {
  let kept = pool.get(size);
  if (!kept) pool.set(size, (kept = { arrays: [], used: 0 }));
  if (kept.used === kept.arrays.length) kept.arrays.push(new Float64Array(size));
  return kept.arrays[kept.used++];
}

/** Give all intermediate results back to the pool. None of them may be used afterwards. */
export function release() {
  for (const kept of pool.values()) kept.used = 0;
}

class Value {
  constructor(rows, cols, data, parents = [], backward = null) {
    this.rows = rows;
    this.cols = cols;
    this.data = data;
    this.parents = parents;
    this.backward = backward; // from the gradient of this to the gradients of its parents, one function each
    this.id = count++;
  }
}

/** A matrix that one may differentiate with respect to. The array is used as it is, not copied. */
export const leaf = (rows, cols, data) => new Value(rows, cols, data);

function result(rows, cols, parents, backward) {
  return new Value(rows, cols, buffer(rows * cols), parents, backward);
}

/** A B. */
export function mulNN(a, b) {
  const out = result(a.rows, b.cols, [a, b], [(g) => mulNT(g, b), (g) => mulTN(a, g)]);
  multiplyInto(out.data, a.data, b.data, a.rows, b.cols, a.cols, a.cols, 1, b.cols, 1);
  return out;
}

/** A Bᵀ. */
export function mulNT(a, b) {
  const out = result(a.rows, b.rows, [a, b], [(g) => mulNN(g, b), (g) => mulTN(g, a)]);
  multiplyInto(out.data, a.data, b.data, a.rows, b.rows, a.cols, a.cols, 1, 1, b.cols);
  return out;
}

/** Aᵀ B. */
export function mulTN(a, b) {
  const out = result(a.cols, b.cols, [a, b], [(g) => mulNT(b, g), (g) => mulNN(a, g)]);
  multiplyInto(out.data, a.data, b.data, a.cols, b.cols, a.rows, 1, a.cols, b.cols, 1);
  return out;
}

function elementwise(rows, cols, parents, backward, fill) {
  const out = result(rows, cols, parents, backward);
  fill(out.data);
  return out;
}

export const add = (a, b) =>
  elementwise(a.rows, a.cols, [a, b], [(g) => g, (g) => g], (out) => {
    for (let i = 0; i < out.length; i++) out[i] = a.data[i] + b.data[i];
  });

export const times = (a, b) =>
  elementwise(a.rows, a.cols, [a, b], [(g) => times(g, b), (g) => times(g, a)], (out) => {
    const left = a.data, right = b.data;
    for (let i = 0; i < out.length; i++) out[i] = left[i] * right[i];
  });

/** slope · a + shift, with two constants. */
export const affine = (a, slope, shift = 0) =>
  elementwise(a.rows, a.cols, [a], [(g) => affine(g, slope)], (out) => {
    for (let i = 0; i < out.length; i++) out[i] = slope * a.data[i] + shift;
  });

export const sub = (a, b) => add(a, affine(b, -1));

/** a to a constant power, entry by entry; at 0 its derivative is taken to be 0, never NaN. */
export const power = (a, exponent) =>
  elementwise(a.rows, a.cols, [a], [(g) => times(g, affine(power(a, exponent - 1), exponent))], (out) => {
    for (let i = 0; i < out.length; i++) out[i] = a.data[i] === 0 && exponent < 0 ? 0 : a.data[i] ** exponent;
  });

/** a where it is positive, slope · a elsewhere. The mask is constant: its derivative is zero almost everywhere. */
export function leaky(a, slope) {
  const mask = result(a.rows, a.cols, [], null);
  const [data, out, rest] = [a.data, mask.data, 1 - slope];
  // Without a branch, which processors guess wrong every second time: the sign bit of 0 − x is set where x > 0.
  const halves = new Int32Array(out.buffer); // the upper halves are the odd ones, on every processor that browsers run on
  for (let i = 0; i < out.length; i++) out[i] = 0 - data[i];
  for (let i = 0; i < out.length; i++) out[i] = slope + rest * (halves[2 * i + 1] >>> 31);
  return masked(a, mask);
}

const masked = (a, mask) =>
  elementwise(a.rows, a.cols, [a], [(g) => masked(g, mask)], (out) => {
    const left = a.data, right = mask.data;
    for (let i = 0; i < out.length; i++) out[i] = left[i] * right[i];
  });

/** a plus the same row everywhere. */
export const addRow = (a, row) =>
  elementwise(a.rows, a.cols, [a, row], [(g) => g, sumOverRows], (out) => {
    const { cols } = a;
    for (let i = 0, at = 0; i < a.rows; i++) for (let j = 0; j < cols; j++, at++) out[at] = a.data[at] + row.data[j];
  });

export const repeatRow = (row, rows) =>
  elementwise(rows, row.cols, [row], [sumOverRows], (out) => {
    for (let i = 0; i < rows; i++) out.set(row.data, i * row.cols);
  });

/** The sum of all rows, as one row. */
export function sumOverRows(a) {
  return elementwise(1, a.cols, [a], [(g) => repeatRow(g, a.rows)], (out) => {
    out.fill(0);
    for (let i = 0, at = 0; i < a.rows; i++) for (let j = 0; j < a.cols; j++, at++) out[j] += a.data[at];
  });
}

const repeatColumn = (column, cols) =>
  elementwise(column.rows, cols, [column], [sumOverColumns], (out) => {
    for (let i = 0; i < column.rows; i++) out.fill(column.data[i], i * cols, (i + 1) * cols);
  });

/** The sum of each row, as one column. */
export function sumOverColumns(a) {
  return elementwise(a.rows, 1, [a], [(g) => repeatColumn(g, a.cols)], (out) => {
    for (let i = 0, at = 0; i < a.rows; i++) {
      let sum = 0;
      for (let j = 0; j < a.cols; j++, at++) sum += a.data[at];
      out[i] = sum;
    }
  });
}

export const mean = (a) => affine(sumOverRows(sumOverColumns(a)), 1 / (a.rows * a.cols));

/** The expressions between the inputs and the output, the output first. */
function between(output, inputs) {
  const reaches = new Map(inputs.map((input) => [input, true]));
  const found = [];
  const visit = (value) => {
    if (reaches.has(value)) return reaches.get(value);
    let any = false;
    for (const parent of value.parents) any = visit(parent) || any;
    reaches.set(value, any);
    if (any) found.push(value);
    return any;
  };
  visit(output);
  return { found: found.sort((a, b) => b.id - a.id), reaches };
}

/** Gradients of the sum of all entries of `output`, as expressions of their own; null where there is no dependence. */
export function gradient(output, inputs) {
  const { found, reaches } = between(output, inputs);
  const ones = result(output.rows, output.cols, [], null);
  ones.data.fill(1);
  const sums = new Map([[output, ones]]);
  for (const value of found) {
    const incoming = sums.get(value);
    if (!incoming) continue;
    value.parents.forEach((parent, which) => {
      if (!reaches.get(parent)) return;
      const share = value.backward[which](incoming);
      const before = sums.get(parent);
      sums.set(parent, before ? add(before, share) : share);
    });
  }
  return inputs.map((input) => sums.get(input) ?? null);
}
