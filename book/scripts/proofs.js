/* Proofs fold. They are open without scripts and on paper; on screen a summary opens one, and a button all of them. */
const KEY = "wgan-course:proofs-open";
const KINDS = "theorem proposition lemma corollary definition remark example assumption property algorithm".split(" ");

export function fold(article) {
  const boxes = [...article.querySelectorAll("div.proof.admonition")].filter(
    (box) => !KINDS.some((kind) => box.classList.contains(kind)),
  );
  if (!boxes.length) return;
  const folds = boxes.map(makeFold);
  addSwitch(article, folds);
  const unfold = () => openAround(location.hash);
  addEventListener("hashchange", unfold);
  document.addEventListener("click", (event) => openAround(event.target.closest?.('a[href^="#"]')?.hash));
  unfold();
}

function makeFold(box) {
  const element = document.createElement("details");
  element.className = "proof-fold";
  element.append(summaryOf(box), ...box.childNodes);
  box.append(element);
  return element;
}

/* The word "Proof." of the first paragraph, which course.js may have set apart, becomes the summary. */
function summaryOf(box) {
  const summary = document.createElement("summary");
  summary.className = "proof-word";
  summary.textContent = "Proof.";
  const first = box.querySelector(":scope > p, :scope > section > p");
  first?.querySelector(":scope > .proof-word")?.remove();
  const text = first?.firstChild;
  if (text?.nodeType === Node.TEXT_NODE) text.data = text.data.replace(/^\s*(Proof\.)?\s*/, "");
  return summary;
}

function addSwitch(article, folds) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "proof-switch";
  const show = (open) => {
    folds.forEach((one) => (one.open = open));
    button.textContent = open ? "Fold all proofs" : "Open all proofs";
    button.dataset.open = open;
  };
  button.addEventListener("click", () => {
    const open = button.dataset.open !== "true";
    show(open);
    try {
      localStorage.setItem(KEY, open);
    } catch {
      // not kept, then
    }
  });
  article.querySelector("h1")?.after(button);
  show(wanted());
}

function wanted() {
  try {
    return localStorage.getItem(KEY) === "true";
  } catch {
    return false;
  }
}

function openAround(hash) {
  const target = hash ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
  const closed = [];
  for (let one = target?.closest("details:not([open])"); one; one = one.parentElement.closest("details:not([open])")) {
    closed.push(one);
    one.open = true;
  }
  if (closed.length) requestAnimationFrame(() => target.scrollIntoView());
}
