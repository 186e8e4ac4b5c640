/*
 * Products of matrices, out[i, j] = Σ_k a[i·ai + k·ak] b[k·bk + j·bj]: by a few WebAssembly instructions that take two
 * numbers at a time where the browser has them, and by plain JavaScript everywhere. Both add the same products in the
 * same order, so that they agree to the last bit.
 */

const TILE = 4; // rows and columns that are summed up together
const LEAST = 1 << 14; // products below which packing costs more than it saves
const PAGE = 1 << 16; // bytes of WebAssembly's memory
const BYTES = 8;

/** The product in plain JavaScript, in tiles of four by two that stay in registers. */
export function multiplyPlain(out, a, b, n, m, inner, ai, ak, bk, bj) {
  const whole = n - (n % 4);
  for (let j = 0; j < m; j += 2) {
    const pair = j + 1 < m;
    const second = pair ? bj : 0;
    for (let i = 0; i < whole; i += 4) {
      let p = i * ai;
      let q = j * bj;
      let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
      for (let k = 0; k < inner; k++) {
        const x = b[q];
        const y = b[q + second];
        let left = a[p];
        s00 += left * x; s01 += left * y;
        left = a[p + ai];
        s10 += left * x; s11 += left * y;
        left = a[p + 2 * ai];
        s20 += left * x; s21 += left * y;
        left = a[p + 3 * ai];
        s30 += left * x; s31 += left * y;
        p += ak;
        q += bk;
      }
      let c = i * m + j;
      out[c] = s00; out[c + m] = s10; out[c + 2 * m] = s20; out[c + 3 * m] = s30;
      if (pair) {
        c += 1;
        out[c] = s01; out[c + m] = s11; out[c + 2 * m] = s21; out[c + 3 * m] = s31;
      }
    }
    for (let i = whole; i < n; i++) {
      for (let column = j; column < (pair ? j + 2 : j + 1); column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a[i * ai + k * ak] * b[k * bk + column * bj];
        out[i * m + column] = sum;
      }
    }
  }
}

// ---- the instructions, written out ------------------------------------------------------------------------------------

const LOCAL = { a: 0, b: 1, c: 2, rows: 3, columns: 4, inner: 5, i: 6, j: 7, k: 8, p: 9, q: 10, r: 11 };
const SUMS = 12; // the first of eight locals, two for each row of a tile
const PAIRS = 20; // the first of two locals, four columns of b

const unsigned = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)]);
const simd = (code, ...rest) => [0xfd, ...unsigned(code), ...rest];
const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const constant = (value) => [0x41, value]; // from 0 to 63
const [add, sub, mul, less] = [[0x6a], [0x6b], [0x6c], [0x48]];
const at = (offset) => [3, ...unsigned(offset)]; // aligned to eight bytes
const load = (offset) => simd(0x00, ...at(offset));
const twice = (offset) => simd(0x0a, ...at(offset)); // one number into both halves
const store = (offset) => simd(0x0b, ...at(offset));
const zero = simd(0x0c, ...new Array(16).fill(0));
const [addPairs, mulPairs] = [simd(0xf0), simd(0xf2)];
const step = (local, by) => [get(local), constant(by), add, set(local)];
const loop = (body, again) => [0x03, 0x40, body, again, 0x0d, 0, 0x0b];
const each = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** The address of a panel: start + first · inner · 8. */
const panel = (start, first) => [get(start), get(first), get(LOCAL.inner), mul, constant(BYTES), mul, add];

function instructions() {
  const { a, b, c, rows, columns, inner, i, j, k, p, q, r } = LOCAL;
  const sum = (row, half) => SUMS + 2 * row + half;
  const accumulate = (row, half) => [get(sum(row, half)), get(p), twice(BYTES * row), get(PAIRS + half), mulPairs, addPairs, set(sum(row, half))];
  const inmost = loop([
    each(2, (half) => [get(q), load(2 * BYTES * half), set(PAIRS + half)]),
    each(TILE, (row) => each(2, (half) => accumulate(row, half))),
    step(p, TILE * BYTES), step(q, TILE * BYTES),
    get(k), constant(1), sub, set(k),
  ], get(k));
  const tile = [
    panel(a, i), set(p), panel(b, j), set(q), get(inner), set(k),
    each(2 * TILE, (which) => [zero, set(SUMS + which)]),
    inmost,
    get(c), get(i), get(columns), mul, get(j), add, constant(BYTES), mul, add, set(r),
    each(TILE, (row) => [
      each(2, (half) => [get(r), get(sum(row, half)), store(2 * BYTES * half)]),
      get(r), get(columns), constant(BYTES), mul, add, set(r),
    ]),
    step(i, TILE),
  ];
  const column = [constant(0), set(i), loop(tile, [get(i), get(rows), less]), step(j, TILE)];
  return [loop(column, [get(j), get(columns), less]), 0x0b].flat(Infinity);
}

/** The bytes of a module with one function, `multiply`, and its memory. */
function moduleBytes() {
  const section = (id, content) => [id, ...unsigned(content.length), ...content];
  const name = (text) => [text.length, ...[...text].map((sign) => sign.charCodeAt(0))];
  const body = [2, 6, 0x7f, 10, 0x7b, ...instructions()]; // six more integers, ten pairs
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 6, ...new Array(6).fill(0x7f), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("multiply"), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

function instance() {
  if (typeof WebAssembly === "undefined") return null;
  const bytes = moduleBytes();
  return WebAssembly.validate(bytes) ? new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports : null;
}

const machine = instance();
let memory = machine && new Float64Array(machine.memory.buffer);

/** Whether this browser has the instructions. */
export const hasPairs = machine !== null;

function reserve(numbers) {
  const missing = numbers * BYTES - memory.byteLength;
  if (missing <= 0) return;
  machine.memory.grow(Math.ceil(missing / PAGE));
  memory = new Float64Array(machine.memory.buffer);
}

const padded = (count) => TILE * Math.ceil(count / TILE);

/** Lay lines side by side, four in a panel: entry k of line i is at[i·across + k·along]; what is missing is 0. */
function pack(start, values, lines, length, across, along) {
  for (let first = 0; first < lines; first += TILE) {
    for (let line = 0; line < TILE; line++) {
      let to = start + first * length + line;
      let from = (first + line) * across;
      if (first + line >= lines) for (let k = 0; k < length; k++, to += TILE) memory[to] = 0;
      else for (let k = 0; k < length; k++, to += TILE, from += along) memory[to] = values[from];
    }
  }
}

/** The product by pairs of numbers. */
export function multiplyPairs(out, a, b, n, m, inner, ai, ak, bk, bj) {
  const [rows, columns] = [padded(n), padded(m)];
  const second = rows * inner;
  const third = second + columns * inner;
  reserve(third + rows * columns);
  pack(0, a, n, inner, ai, ak);
  pack(second, b, m, inner, bj, bk);
  machine.multiply(0, second * BYTES, third * BYTES, rows, columns, inner);
  for (let i = 0; i < n; i++) out.set(memory.subarray(third + i * columns, third + i * columns + m), i * m);
}

/** The product by whichever way is quicker. */
export function multiplyInto(out, a, b, n, m, inner, ai, ak, bk, bj) {
  const multiply = hasPairs && n * m * inner >= LEAST && m >= TILE ? multiplyPairs : multiplyPlain;
  multiply(out, a, b, n, m, inner, ai, ak, bk, bj);
}
