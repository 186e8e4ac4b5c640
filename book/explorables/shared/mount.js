/* Puts a live figure into its place on the page. */

import { h } from "./dom.js";

const QUIET = 500; // milliseconds without a change before a screen reader is told

/** Where a view writes: its place, its read-out, its table, and what to do when colours or widths change. */
class Stage {
  constructor(root) {
    this.root = root;
    this.figure = root.closest("figure");
    this.drawing = h("div", { class: "explorable-drawing" });
    this.controls = h("div", { class: "explorable-controls" });
    this.below = h("div", { class: "explorable-controls below" });
    this.said = h("p", { class: "explorable-said" });
    this.spoken = h("p", { class: "explorable-spoken", "aria-live": "polite" });
    root.append(this.controls, this.drawing, this.said, this.spoken, this.below);
  }

  /** Show a sentence about the present state, and speak it once nothing has changed for a while. */
  say(text, speak = true) {
    this.said.textContent = text;
    if (!speak) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => { this.spoken.textContent = this.said.textContent; }, QUIET);
  }

  /** The numbers of the figure: the first row is the header. */
  table(head, rows) {
    const table = this.figure.querySelector(".explorable-twin table");
    if (!table) return;
    const titles = h("thead", null, h("tr", null, ...head.map((cell) => h("th", { scope: "col" }, cell))));
    const body = rows.map((cells) => h("tr", null, ...cells.map((cell) => h("td", null, String(cell)))));
    table.replaceChildren(titles, h("tbody", null, ...body));
  }

  /** Draw now, and again whenever the width or the colours change. */
  redraw(draw) {
    let width = 0;
    new ResizeObserver(([entry]) => {
      if (Math.round(entry.contentRect.width) === width) return;
      width = Math.round(entry.contentRect.width);
      draw();
    }).observe(this.drawing);
    new MutationObserver(() => draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /** Colours of the figure by the names that the style sheet gives them. */
  colour(name) {
    return getComputedStyle(this.root).getPropertyValue(`--exp-${name}`).trim();
  }

  /** Tell that the figure stands as it does at first. */
  ready() {
    this.root.setAttribute("data-still", "");
  }
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Build each figure of this name on the page; where that fails, its still stays. */
export function mount(name, build) {
  for (const root of document.querySelectorAll(`[data-explorable="${name}"]`)) {
    const stage = new Stage(root);
    try {
      stage.figure?.classList.add("is-live");
      root.explorable = build(stage); // for whoever looks into it from the console, and for the tests
    } catch (error) {
      stage.figure?.classList.remove("is-live");
      root.replaceChildren();
      console.error(error);
    }
  }
}
