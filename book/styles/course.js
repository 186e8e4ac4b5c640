/* Small repairs to what the theme and the libraries write. First: names for the toggles of the side bar. */
for (const toggle of document.querySelectorAll(".bd-sidebar-primary summary")) {
  const chapter = toggle.closest("li")?.querySelector("a")?.textContent.trim();
  toggle.setAttribute("aria-label", `Sections of ${chapter ?? "this part"}`);
}

/* A full stop or comma stays on the line of the formula before it. */
for (const formula of document.querySelectorAll("article span.math")) {
  const after = formula.nextSibling;
  const mark = after?.nodeType === Node.TEXT_NODE && after.data.match(/^[.,;:!?)\]’”–-]+/)?.[0];
  if (!mark) continue;
  const together = document.createElement("span");
  together.className = "unbroken";
  formula.replaceWith(together);
  together.append(formula, mark);
  after.data = after.data.slice(mark.length);
}

/* The word that begins a proof stands out from it. */
for (const start of document.querySelectorAll("div.proof > p:first-child")) {
  const text = start.firstChild;
  if (text?.nodeType !== Node.TEXT_NODE || !text.data.startsWith("Proof.")) continue;
  const word = document.createElement("span");
  word.className = "proof-word";
  word.textContent = "Proof.";
  text.data = text.data.slice(word.textContent.length);
  start.prepend(word);
}

/* On a telephone a formula that is wider than the line it stands in scrolls in itself, as displayed ones do. */
const telephone = matchMedia("(max-width: 576px)");
function keepFormulasInside() {
  const formulas = telephone.matches ? [...document.querySelectorAll('article mjx-container:not([display="true"])')] : [];
  const beyond = (one) => one.querySelector("mjx-math")?.getBoundingClientRect().right > one.closest("p, li, dd, section")?.getBoundingClientRect().right + 1;
  formulas.filter((one) => !one.closest("table") && beyond(one)).forEach((one) => one.classList.add("beyond"));
}
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  keepFormulasInside();
  addEventListener("resize", keepFormulasInside);
  document.addEventListener("toggle", keepFormulasInside, true); // of a proof or an answer that opens
});

/* On paper every answer is open, and the page is light. Afterwards all is as it was. */
let before;
addEventListener("beforeprint", () => {
  const closed = [...document.querySelectorAll("details:is(.sd-dropdown, .quiz-answers, .proof-fold):not([open])")];
  before = { closed, theme: document.documentElement.dataset.theme };
  closed.forEach((answer) => { answer.open = true; });
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  before?.closed.forEach((answer) => { answer.open = false; });
  if (before) document.documentElement.dataset.theme = before.theme;
});
