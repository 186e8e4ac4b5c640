/* Elements and controls. Every control is a native one with a visible label, so that keyboards and screen readers know it. */

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
export const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

let counted = 0;
const freshId = (name) => `explorable-${name}-${++counted}`;

/** A slider with its value beside it. `tell` makes the words that are shown and read out. */
export function range({ label, min, max, step, value, tell = String, change }) {
  const id = freshId("range");
  const input = h("input", { type: "range", id, min, max, step });
  const output = h("output", { for: id });
  const show = () => {
    output.textContent = tell(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.value = value;
  input.addEventListener("input", () => {
    show();
    change(Number(input.value));
  });
  show();
  const element = h("div", { class: "explorable-control explorable-range" }, h("label", { for: id }, label), h("span", { class: "explorable-slide" }, input, output));
  return {
    element,
    input,
    get value() { return Number(input.value); },
    set(to) {
      input.value = to;
      show();
    },
  };
}

/** A choice of one of several: `options` maps values to words. */
export function choice({ label, options, value, change }) {
  const id = freshId("choice");
  const entries = Object.entries(options).map(([key, text]) => h("option", { value: key }, text));
  const select = h("select", { id, onchange: () => change(select.value) }, ...entries);
  select.value = value;
  return {
    element: h("div", { class: "explorable-control" }, h("label", { for: id }, label), select),
    select,
    set(to) { select.value = to; },
  };
}

/** A box to tick. */
export function toggle({ label, value, change }) {
  const input = h("input", { type: "checkbox", onchange: () => change(input.checked) });
  input.checked = value;
  return { element: h("label", { class: "explorable-control explorable-toggle" }, input, h("span", null, label)), input };
}

export const button = (label, act, properties = {}) =>
  h("button", { type: "button", class: "explorable-button", onclick: act, ...properties }, label);

export const row = (...children) => h("div", { class: "explorable-row" }, ...children);

/** A number as text, with a real minus sign. */
export const number = (value, digits = 2) =>
  Number.isFinite(value) ? value.toFixed(digits).replace("-", "−").replace(/^−(0\.?0*)$/, "$1") : value > 0 ? "∞" : value < 0 ? "−∞" : "none";
