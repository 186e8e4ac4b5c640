/* The search page: sections found by MiniSearch, without regard to accents, titles first, with the place in the text. */
import MiniSearch from "minisearch";

const MOST = 60;
const AROUND = 110;
const CJK = /[\u3400-\u9fff]/;

/* Letter by letter, so that places in the folded text are places in the text. */
export function folded(text) {
  return Array.from(text, (letter) => {
    const base = letter.normalize("NFD")[0];
    return letter.length === 1 && base ? base.toLowerCase().slice(0, 1) : letter;
  }).join("");
}

/* Chinese has no spaces: every two neighbouring characters are a word. */
export function words(text) {
  const found = [];
  for (const [run] of text.normalize("NFC").matchAll(/[\u3400-\u9fff]+|[^\s\p{P}\p{S}\u3400-\u9fff]+/gu)) {
    if (!CJK.test(run) || run.length === 1) found.push(run);
    else for (let at = 0; at + 1 < run.length; at += 1) found.push(run.slice(at, at + 2));
  }
  return found;
}

export function makeIndex(sections) {
  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    storeFields: ["address", "title", "page", "text"],
    tokenize: words,
    processTerm: folded,
    searchOptions: {
      boost: { title: 8, page: 3 },
      prefix: (term) => term.length > 2 || CJK.test(term),
      fuzzy: (term) => (term.length > 5 ? 0.15 : false),
    },
  });
  index.addAll(sections.map(([address, page, title, text], id) => ({ id, address, page, title, text })));
  return index;
}

/* Titles that hold all words come first, then texts that hold them side by side. */
export function find(index, query) {
  const terms = words(query).map(folded);
  const phrase = folded(query).trim().replace(/\s+/g, " ");
  const rank = (found) => {
    const title = folded(found.title);
    if (title === phrase) return 3;
    if (terms.every((term) => title.includes(term))) return 2;
    return folded(found.text).includes(phrase) ? 1 : 0;
  };
  let results = index.search(query, { combineWith: "AND" });
  if (!results.length) results = index.search(query);
  return results
    .map((found) => ({ ...found, rank: rank(found) }))
    .sort((one, other) => other.rank - one.rank || other.score - one.score)
    .slice(0, MOST);
}

/* The words around the first place where the query, or else one of the words found, stands: [text, is it marked]. */
export function excerpt(text, query, terms) {
  const plain = folded(text);
  const phrase = folded(query).trim();
  const wanted = [phrase, ...terms].find((term) => plain.includes(term));
  const place = wanted === undefined ? 0 : plain.indexOf(wanted);
  const from = place <= AROUND ? 0 : text.indexOf(" ", place - AROUND) + 1;
  const piece = text.slice(from, place + (wanted?.length ?? 0) + AROUND);
  const marks = [phrase, ...terms].filter(Boolean).sort((one, other) => other.length - one.length);
  const parts = [[from ? "… " : "", false]];
  let rest = piece;
  while (rest) {
    const plainRest = folded(rest);
    const hits = marks.map((mark) => [plainRest.indexOf(mark), mark.length]).filter(([at]) => at >= 0);
    hits.sort(([at, length], [at2, length2]) => at - at2 || length2 - length);
    if (!hits.length) break;
    const [[at, length]] = hits;
    parts.push([rest.slice(0, at), false], [rest.slice(at, at + length), true]);
    rest = rest.slice(at + length);
  }
  parts.push([rest, false], [from + piece.length < text.length ? " …" : "", false]);
  return parts.filter(([words]) => words);
}
