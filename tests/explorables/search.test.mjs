/* The book's search: accents, plain words, phrases, titles first, Chinese, and where an excerpt is cut. */

import assert from "node:assert/strict";
import test from "node:test";

import { excerpt, find, folded, makeIndex, words } from "../../book/scripts/search.js";

const SECTIONS = [
  ["a.html", "Measures", "Fréchet distance", "Between Gaussians with the moments of features."],
  ["b.html", "Measures", "Kernel distance", "Unlike the Fréchet distance it has an unbiased estimate."],
  ["c.html", "Clipping", "The first WGAN", "A Wasserstein GAN asks another question. A gan is a game; Wasserstein gave a distance."],
  ["d.html", "History", "Names", "A GAN of 2014; the distance of Wasserstein is older."],
  ["e.html", "Numbers", "Wasserstein GAN", "Default settings."],
  ["f.html", "术语表", "梯度惩罚", "判别器的梯度惩罚作用于插值点。"],
];
const index = makeIndex(SECTIONS);
const pages = (query) => find(index, query).map((one) => one.address);
const shown = (parts) => parts.map(([text]) => text).join("");

test("accents and capitals do not matter, in the query or in the book", () => {
  for (const query of ["frechet", "Fréchet", "FRÉCHET", "Fre\u0301chet"]) assert.deepEqual(pages(query), ["a.html", "b.html"]);
});

test("a folded text has its letters at the same places", () => {
  for (const text of ["Fréchet", "Φ ≤ İstanbul ﬁ 𝔼 x", "Straße"]) assert.equal(folded(text).length, text.length);
});

test("a title that is the query comes first, then the phrase, then the words apart", () => {
  assert.deepEqual(pages("wasserstein gan"), ["e.html", "c.html", "d.html"]);
});

test("where no section holds all words, those with some are found", () => {
  assert.ok(pages("kernel nonsenseword").includes("b.html"));
  assert.deepEqual(pages("nonsenseword"), []);
});

test("a plural finds the singular, and a beginning its word", () => {
  assert.ok(pages("moment").includes("a.html"));
  assert.ok(pages("estimates").includes("b.html"));
});

test("Chinese is found without spaces", () => {
  assert.deepEqual(words("梯度惩罚 GAN"), ["梯度", "度惩", "惩罚", "GAN"]);
  assert.deepEqual(pages("梯度惩罚"), ["f.html"]);
  assert.deepEqual(pages("插值"), ["f.html"]);
});

test("an excerpt marks the phrase, and is the text itself", () => {
  const [, , , text] = SECTIONS[2];
  const parts = excerpt(text, "wasserstein gan", ["wasserstein", "gan"]);
  assert.equal(parts.find(([, marked]) => marked)[0], "Wasserstein GAN");
  assert.equal(shown(parts), text);
});

test("an excerpt of a long text is cut at both sides, and holds the place", () => {
  const text = `${"before ".repeat(60)}the Fréchet distance${" after".repeat(60)}`;
  const parts = excerpt(text, "frechet", ["frechet"]);
  assert.ok(shown(parts).startsWith("… before") && shown(parts).endsWith(" …"));
  assert.deepEqual(parts.filter(([, marked]) => marked), [["Fréchet", true]]);
  assert.ok(shown(parts).length < 260);
});

test("a text without the words is shown from its beginning", () => {
  assert.equal(shown(excerpt("Only the title held it.", "duality", ["duality"])), "Only the title held it.");
});
