/* Puts the search of search.js on the search page; window.courseTexts comes from the script before. */
import { excerpt, find, makeIndex } from "./search.js";

const place = document.getElementById("search-results");
const field = place?.parentElement.querySelector('input[type="search"]');
if (place && field) {
  const index = makeIndex(window.courseTexts);
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  field.addEventListener("input", () => show(index, field.value));
  show(index, field.value);
}

function show(index, query) {
  const found = query.trim() ? find(index, query) : [];
  const count = document.createElement("p");
  count.setAttribute("role", "status");
  count.textContent = query.trim() ? `${found.length || "No"} section${found.length === 1 ? "" : "s"} found` : "";
  const list = document.createElement("ol");
  list.append(...found.map((one) => entry(one, query)));
  place.replaceChildren(count, list);
}

function entry(found, query) {
  const item = document.createElement("li");
  const link = Object.assign(document.createElement("a"), { href: found.address, textContent: found.title });
  const page = Object.assign(document.createElement("span"), { className: "search-page", textContent: found.page });
  const text = Object.assign(document.createElement("p"), { className: "context" });
  for (const [words, marked] of excerpt(found.text, query, found.terms)) {
    text.append(marked ? Object.assign(document.createElement("mark"), { textContent: words }) : words);
  }
  item.append(link, ...(found.page === found.title ? [] : [page]), text);
  return item;
}
