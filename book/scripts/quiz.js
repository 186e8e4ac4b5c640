/* Quizzes that answer: choices become radio buttons, the reasons show below, and what was chosen stays in this browser. */
import { announceProgress, read, write } from "./progress.js";

const LETTERS = "ABCDEF";

export function enliven(root, chapter) {
  const questions = [...root.querySelectorAll(".quiz")].map((box) => new Question(box));
  if (!questions.length) return;
  const head = makeHead(questions, chapter);
  questions[0].box.before(head.element);
  const keep = () => {
    const chosen = Object.fromEntries(questions.filter((one) => one.stored).map((one) => [one.box.id, one.stored]));
    write(chapter, { total: questions.length, right: questions.filter((one) => one.isRight).length, chosen });
    head.show();
    announceProgress();
  };
  const before = read(chapter)?.chosen ?? {};
  for (const question of questions) {
    question.onChoice = keep;
    const given = before[question.box.id];
    if (given?.digest === question.box.dataset.digest) question.choose(given.index, false);
  }
  head.show();
}

function makeHead(questions, chapter) {
  const element = document.createElement("div");
  element.className = "quiz-head";
  element.innerHTML =
    '<p class="quiz-count"></p><p class="quiz-hint">Arrow keys move, the space bar chooses. ' +
    'Your answers stay in this browser.</p><button type="button" class="quiz-clear">Clear my answers</button>';
  const clear = element.querySelector("button");
  clear.addEventListener("click", () => {
    questions.forEach((one) => one.clear());
    write(chapter, null);
    show();
    announceProgress();
    questions[0].inputs[0].focus();
  });
  const show = () => {
    const right = questions.filter((one) => one.isRight).length;
    element.querySelector(".quiz-count").textContent = `${right} of ${questions.length} answered`;
    clear.hidden = !questions.some((one) => one.stored);
  };
  return { element, show };
}

class Question {
  constructor(box) {
    this.box = box;
    this.right = Number(box.dataset.right);
    this.whys = [...box.querySelectorAll(".quiz-why")];
    this.list = box.querySelector(".quiz-choices");
    this.items = [...this.list.children];
    this.list.setAttribute("role", "radiogroup");
    this.list.setAttribute("aria-labelledby", `${box.id}-question`);
    this.inputs = this.items.map((item, index) => this.makeChoice(item, index));
    this.feedback = document.createElement("div");
    this.feedback.className = "quiz-feedback";
    this.feedback.setAttribute("role", "status");
    this.list.after(this.feedback);
    box.classList.add("is-live");
  }

  makeChoice(item, index) {
    const label = document.createElement("label");
    const words = document.createElement("span");
    words.append(...[...item.children].flatMap((paragraph) => [...paragraph.childNodes]));
    label.innerHTML = `<input type="radio" name="${this.box.id}"><b class="quiz-letter">${LETTERS[index]}</b>`;
    label.append(words);
    item.setAttribute("role", "none");
    item.replaceChildren(label);
    const input = label.firstChild;
    input.addEventListener("keydown", (event) => this.move(event, index));
    input.addEventListener("change", () => this.choose(index, true));
    return input;
  }

  /* An arrow moves without choosing, or the reasons would all have been seen on the way. */
  move(event, index) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.inputs[(index + step + this.inputs.length) % this.inputs.length].focus();
  }

  choose(index, isNew) {
    this.inputs[index].checked = true;
    this.isRight = index === this.right;
    this.stored = { digest: this.box.dataset.digest, index };
    this.items.forEach((item) => delete item.dataset.verdict);
    this.items[index].dataset.verdict = this.isRight ? "right" : "wrong";
    this.feedback.dataset.verdict = this.items[index].dataset.verdict;
    this.feedback.replaceChildren(verdict(this.isRight), ...this.reason(index));
    if (this.isRight) this.feedback.append(this.others());
    if (isNew) this.onChoice();
  }

  reason(index) {
    const nodes = [...this.whys[index].children].filter((child) => !child.matches(".quiz-verdict"));
    return nodes.map(withoutIds);
  }

  others() {
    const element = document.createElement("details");
    element.innerHTML = "<summary>Why not the others?</summary>";
    this.whys.forEach((_, index) => {
      if (index === this.right) return;
      const reason = this.reason(index);
      const letter = Object.assign(document.createElement("b"), { className: "quiz-letter", textContent: LETTERS[index] });
      reason[0].prepend(letter, " ");
      element.append(...reason);
    });
    return element;
  }

  clear() {
    this.stored = this.isRight = undefined;
    this.inputs.forEach((input) => (input.checked = false));
    this.items.forEach((item) => delete item.dataset.verdict);
    delete this.feedback.dataset.verdict;
    this.feedback.replaceChildren();
  }
}

function verdict(isRight) {
  const word = document.createElement("p");
  word.className = "quiz-word";
  word.textContent = isRight ? "✓ Right." : "✗ Not this one.";
  return word;
}

function withoutIds(node) {
  const copy = node.cloneNode(true);
  for (const one of [copy, ...copy.querySelectorAll("[id]")]) one.removeAttribute("id");
  return copy;
}
