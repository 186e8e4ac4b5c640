/* What every page does besides being read. */
import { announceProgress, chapterOf } from "./progress.js";
import { fold } from "./proofs.js";
import { enliven } from "./quiz.js";
import { preview } from "./previews.js";

const article = document.querySelector("article");
const chapter = chapterOf(location.pathname);
announceProgress();
if (article) {
  fold(article);
  preview(article);
}
// Reasons are copied when they are shown, so their formulas shall be set first.
const settled = window.MathJax?.startup?.promise ?? new Promise((done) => addEventListener("load", done));
if (article && chapter) settled.then(() => window.MathJax?.startup?.promise).finally(() => enliven(article, chapter));
