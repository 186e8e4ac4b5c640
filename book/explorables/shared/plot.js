/* A plot in SVG: scales, axes, curves with labels at their ends, and handles that mouse and keyboard move. */

import { number, s } from "./dom.js";

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Round steps that cut a range into about `wanted` parts. */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

export class Plot {
  constructor(parent, { ratio = 0.5, tallest = 420, margin = {}, label, square = false, share = 1 } = {}) {
    this.margin = { left: 46, right: 14, top: 12, bottom: 38, ...margin };
    Object.assign(this, { parent, ratio, tallest, square, share });
    this.ground = s("g", { "aria-hidden": "true" });
    this.handles = s("g", { class: "explorable-handles" });
    this.svg = s("svg", { class: "explorable-plot", role: "group", "aria-label": label }, this.ground, this.handles);
    parent.append(this.svg);
  }

  /** Begin a drawing over these ranges, at the width that there is. */
  begin(x, y, { logY = false } = {}) {
    const { left, right, top, bottom } = this.margin;
    const available = Math.max(this.parent.clientWidth || 320, left + right + 40); // hidden, or not laid out yet
    this.width = Math.floor(available >= 620 ? available * this.share : available);
    this.height = Math.min(this.tallest, Math.max(200, Math.round(this.width * this.ratio)));
    if (this.square) {
      const side = Math.min(this.width - left - right, this.tallest - top - bottom);
      this.width = side + left + right;
      this.height = side + top + bottom;
    }
    Object.assign(this, { xRange: x, yRange: y, logY });
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", this.height);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.ground.replaceChildren();
    return this;
  }

  x(value) {
    const { left, right } = this.margin;
    return left + ((value - this.xRange[0]) / (this.xRange[1] - this.xRange[0])) * (this.width - left - right);
  }

  y(value) {
    const { top, bottom } = this.margin;
    const scale = this.logY ? (one) => Math.log10(Math.max(one, 1e-300)) : (one) => one;
    const [low, high] = this.yRange.map(scale);
    return this.height - bottom - ((scale(value) - low) / (high - low)) * (this.height - top - bottom);
  }

  /** The point of the plane under a mouse or finger. */
  under(event) {
    const box = this.svg.getBoundingClientRect();
    const { left, right, top, bottom } = this.margin;
    const across = (event.clientX - box.left - left) / (this.width - left - right);
    const up = (box.bottom - bottom - event.clientY) / (this.height - top - bottom);
    const [[x0, x1], [y0, y1]] = [this.xRange, this.yRange];
    return [x0 + across * (x1 - x0), y0 + up * (y1 - y0)];
  }

  put(tag, properties, ...children) {
    const element = s(tag, properties, ...children);
    this.ground.append(element);
    return element;
  }

  axes({ xLabel, yLabel, xTicks, yTicks, tellX = short, tellY = short, grid = true } = {}) {
    const { left, right, top, bottom } = this.margin;
    const floor = this.height - bottom;
    const across = Math.max(2, Math.round(this.width / 75));
    for (const tick of xTicks ?? ticks(...this.xRange, across)) {
      const at = this.x(tick);
      if (grid) this.put("line", { class: "grid", x1: at, x2: at, y1: top, y2: floor });
      this.put("text", { class: "tick", x: at, y: floor + 15, "text-anchor": "middle" }, tellX(tick));
    }
    for (const tick of yTicks ?? ticks(...this.yRange, Math.max(3, Math.round(this.height / 60)))) {
      const at = this.y(tick);
      if (grid) this.put("line", { class: "grid", x1: left, x2: this.width - right, y1: at, y2: at });
      this.put("text", { class: "tick", x: left - 6, y: at + 4, "text-anchor": "end" }, tellY(tick));
    }
    this.put("path", { class: "frame", d: `M${left} ${top}V${floor}H${this.width - right}` });
    if (xLabel) this.put("text", { class: "axis", x: (left + this.width - right) / 2, y: this.height - 4, "text-anchor": "middle" }, xLabel);
    if (yLabel) {
      const middle = (top + floor) / 2;
      this.put("text", { class: "axis", x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, yLabel);
    }
    return this;
  }

  /** A curve through points [x, y]; what is not finite breaks it. `series` picks colour, dash and marker. */
  curve(points, series, extra = "") {
    let pen = "M";
    const path = points.map(([x, y]) => {
      if (!Number.isFinite(y) || !Number.isFinite(x)) {
        pen = "M";
        return "";
      }
      const piece = `${pen}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`;
      pen = "L";
      return piece;
    });
    return this.put("path", { class: `curve series-${series} ${extra}`, d: path.join("") });
  }

  dot(x, y, series, size = 5) {
    return this.put("path", { class: `dot series-${series}`, d: marker(series, this.x(x), this.y(y), size) });
  }

  text(x, y, words, properties = {}) {
    return this.put("text", { class: "note", x: this.x(x), y: this.y(y), ...properties }, words);
  }

  line(x1, y1, x2, y2, kind = "rule") {
    return this.put("line", { class: kind, x1: this.x(x1), y1: this.y(y1), x2: this.x(x2), y2: this.y(y2) });
  }
}

const short = (value) => String(Number(value.toPrecision(6))).replace("-", "−");

/** The shape of a series' marker around a place: circle, square, triangle, diamond. */
export function marker(series, x, y, r) {
  const shapes = [
    `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
    `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    `M${x} ${y - r * 1.2}l${r * 1.2} ${r * 2.1}h${-2.4 * r}z`,
    `M${x} ${y - r * 1.3}l${r * 1.3} ${r * 1.3}l${-r * 1.3} ${r * 1.3}l${-r * 1.3} ${-r * 1.3}z`,
  ];
  return shapes[series % shapes.length];
}

const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 };

/**
 * A point that mouse, finger and keyboard move along one direction: a slider to assistive technology.
 * `get` tells the present value, `set` gets the new one, `place` says where it lies, as [x, y] of the plot, and `read`
 * makes a value of the place under the mouse where that is neither x nor y. `free` takes the place itself: the mouse then
 * moves in both directions, and the keyboard in one;
 * with `rise`, which gets the step, the keys up and down move the other one.
 */
export class Handle {
  constructor(plot, { label, series = 0, min, max, step, along = "y", read = null, free = null, rise = null, get, set, place, tell = (value) => number(value), size = 9 }) {
    Object.assign(this, { plot, series, min, max, step, get, place, tell, size });
    this.shape = s("path", { class: `handle series-${series}` });
    this.reach = s("circle", { class: "reach", r: 20 });
    this.element = s("g", { role: "slider", tabindex: 0, "aria-label": label, "aria-orientation": along === "y" ? "vertical" : "horizontal" }, this.reach, this.shape);
    this.element.setAttribute("visibility", "hidden"); // until it has a place and a value
    plot.handles.append(this.element);
    const move = (value) => set(clamp(Math.round(value / step) * step, this.limit(min), this.limit(max)));
    this.element.addEventListener("keydown", (event) => {
      const jump = { Home: this.limit(min), End: this.limit(max) }[event.key];
      if (jump === undefined && !KEYS[event.key]) return;
      event.preventDefault();
      if (rise && ["ArrowUp", "ArrowDown"].includes(event.key)) rise(KEYS[event.key] * step);
      else move(jump ?? get() + KEYS[event.key] * step);
    });
    this.element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.element.focus({ preventScroll: true });
      this.element.setPointerCapture(event.pointerId);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (!this.element.hasPointerCapture(event.pointerId)) return undefined;
      if (free) return free(plot.under(event));
      const [x, y] = plot.under(event);
      return move(read ? read([x, y]) : along === "y" ? y : x);
    });
  }

  limit(bound) {
    return typeof bound === "function" ? bound() : bound;
  }

  draw() {
    const [x, y] = this.place();
    this.element.removeAttribute("visibility");
    this.shape.setAttribute("d", marker(this.series, this.plot.x(x), this.plot.y(y), this.size));
    this.reach.setAttribute("cx", this.plot.x(x));
    this.reach.setAttribute("cy", this.plot.y(y));
    const value = this.get();
    for (const [name, one] of [["min", this.limit(this.min)], ["max", this.limit(this.max)], ["now", value]]) {
      this.element.setAttribute(`aria-value${name}`, Number(one.toFixed(6)));
    }
    this.element.setAttribute("aria-valuetext", this.tell(value));
  }
}
