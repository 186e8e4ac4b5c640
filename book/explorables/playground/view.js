/* The playground: what one can set, and what is drawn of a run that trains in a worker. */

import source from "worker-source";
import { button, choice, h, number, range, row, toggle } from "../shared/dom.js";
import { mount } from "../shared/mount.js";
import { Plot } from "../shared/plot.js";
import { levelLines, paint, ramp } from "./maps.js";
import { CONSTRAINTS, DATA, fromQuery, PRESETS, START, toQuery } from "./settings.js";

const EXTENT = 3;
const LEVELS = 10;
const STEEPEST = 2; // gradient lengths from here on have one colour
const ARROW = 0.35; // length of the arrow of a gradient of length one, in the plane
const KEPT = 600; // points of the curves; beyond that every second one goes
const SPEEDS = { 1000: "one round a second", 100: "ten rounds a second", 0: "full speed" };
const HEADER = ["round", "exact W₁", "critic's estimate"];

class Playground {
  constructor(stage) {
    this.stage = stage;
    const asked = new URLSearchParams(location.search).has("playground");
    this.settings = asked ? fromQuery(location.search) : { ...START };
    this.rounds = asked ? rounds() : 0;
    this.running = false;
    this.layers = { arrows: true, plan: false, surface: true };
    this.cursor = [0, 0];
    this.worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.build();
    this.restart(this.rounds);
    stage.redraw(() => this.draw());
  }

  build() {
    const { stage, settings } = this;
    this.runButton = button("Run", () => this.toggleRun(), { class: "explorable-button first" });
    const step = button("One round", () => this.stop("step"));
    const reset = button("Reset", () => this.restart());
    const speed = choice({ label: "Speed", options: SPEEDS, value: "0", change: (wait) => this.send("speed", { wait: Number(wait) }) });
    this.preset = choice({
      label: "Break it",
      options: Object.fromEntries(Object.entries(PRESETS).map(([key, { label }]) => [key, label])),
      value: "right",
      change: (key) => this.usePreset(key),
    });
    this.data = choice({ label: "Data", options: DATA, value: settings.data, change: (data) => this.change({ data }) });
    this.constraint = choice({
      label: "Constraint", options: CONSTRAINTS, value: settings.constraint, change: (constraint) => this.change({ constraint }),
    });
    this.weight = logRange("Weight λ", -2, 2, settings.weight, (weight) => this.change({ weight }), true);
    this.bound = logRange("Bound c", -2, 1, settings.bound, (bound) => this.change({ bound }));
    const layer = (key, label) => toggle({ label, value: this.layers[key], change: (on) => { this.layers[key] = on; this.draw(); } }).element;
    stage.controls.append(
      row(this.runButton, step, reset, speed.element),
      row(this.data.element, this.constraint.element, this.preset.element),
      row(this.weight.element, this.bound.element),
    );
    stage.below.append(
      row(layer("arrows", "arrows: where the critic pulls"), layer("plan", "optimal transport"), layer("surface", "value surface")),
      this.more(),
    );
    this.buildDrawing();
  }

  more() {
    const slider = (key, label, min, max, step) =>
      range({ label, min, max, step, value: this.settings[key], change: (value) => this.change({ [key]: value }) });
    this.sliders = {
      criticSteps: slider("criticSteps", "Critic steps a round", 1, 20, 1),
      hidden: slider("hidden", "Hidden units, twice", 4, 128, 4),
      seed: slider("seed", "Seed", 0, 50, 1),
    };
    this.rate = logRange("Learning rate", -5, -1, this.settings.rate, (value) => this.change({ rate: value }));
    const address = h("input", { type: "text", readonly: true, class: "explorable-address", "aria-label": "Link to this setting" });
    const copy = button("Copy the link", async () => {
      address.select();
      await navigator.clipboard?.writeText(address.value).catch(() => document.execCommand("copy"));
    });
    this.address = address;
    const parts = [...Object.values(this.sliders), this.rate].map(({ element }) => element);
    return h("details", { class: "explorable-more" }, h("summary", null, "More settings, and a link to this one"), row(...parts), row(address, copy));
  }

  buildDrawing() {
    const pane = (title, properties) => {
      const canvas = h("canvas", properties);
      const legend = h("p", { class: "legend" });
      return { canvas, legend, element: h("div", { class: "explorable-pane" }, h("p", null, title), canvas, legend) };
    };
    this.plane = pane("The plane, and the critic's value", { class: "plane", role: "img", "aria-label": "Data, generated points and the critic's value; described below" });
    this.steepness = pane("Length of the critic's gradient", { role: "img", "aria-label": "Map of the length of the critic's gradient; described below" });
    this.hint = h("p", { class: "explorable-hint", hidden: true }, "Click to add a point of the data, or go there with the arrow keys and press Enter; Backspace takes the last one away.");
    const curves = h("div", { style: "width: 100%" });
    this.stage.drawing.append(h("div", { class: "explorable-panes" }, this.plane.element, this.steepness.element), this.hint, curves);
    this.plot = new Plot(curves, { ratio: 0.3, tallest: 230, label: "Exact distance and the critic's estimate by round" });
    const { canvas } = this.plane;
    canvas.addEventListener("click", (event) => this.clickPlane(event));
    canvas.addEventListener("keydown", (event) => this.keyOnPlane(event));
  }

  // ---- what the reader does ------------------------------------------------------------------------------------------

  send(act, rest = {}) {
    this.worker.postMessage({ act, ...rest });
  }

  toggleRun() {
    this.running = !this.running;
    this.send(this.running ? "run" : "pause");
    this.showRunning();
  }

  stop(act) {
    this.running = false;
    this.send(act);
    this.showRunning();
  }

  showRunning() {
    this.runButton.textContent = this.running ? "Pause" : "Run";
  }

  change(part) {
    Object.assign(this.settings, part);
    const again = this.running;
    this.restart();
    if (again) this.toggleRun();
  }

  usePreset(key) {
    const { weight, bound, epsilon, batchNorm, constraint } = START;
    this.change({ weight, bound, epsilon, batchNorm, constraint, ...PRESETS[key].set });
  }

  /** Begin again with the present settings, and train for some rounds before the first picture. */
  restart(rounds = 0) {
    this.running = false;
    this.showRunning();
    this.history = [];
    this.picture = null;
    this.rounds = rounds;
    this.showSettings();
    this.send("start", { config: this.settings, rounds });
  }

  showSettings() {
    const { settings } = this;
    const penalised = ["gp", "lp"].includes(settings.constraint);
    this.data.set(settings.data);
    this.constraint.set(settings.constraint);
    this.weight.set(settings.weight);
    this.bound.set(settings.bound);
    this.weight.element.hidden = !penalised;
    this.bound.element.hidden = settings.constraint !== "clip";
    for (const [key, slider] of Object.entries(this.sliders)) slider.set(settings[key]);
    this.rate.set(settings.rate);
    this.preset.set(presetOf(settings));
    const drawing = settings.data === "drawn";
    this.hint.hidden = !drawing;
    this.plane.canvas.classList.toggle("drawing", drawing);
    if (drawing) this.plane.canvas.setAttribute("tabindex", "0");
    else this.plane.canvas.removeAttribute("tabindex");
    this.showAddress();
  }

  showAddress() {
    const link = new URL(location.href);
    const round = this.picture?.round ?? this.rounds;
    link.search = toQuery(this.settings) + (round ? `&rounds=${round}` : "");
    link.hash = this.stage.figure.id ? `#${this.stage.figure.id}` : "";
    this.address.value = link.href;
  }

  addPoint(point) {
    this.change({ drawn: [...this.settings.drawn, point.map((value) => Math.max(-EXTENT, Math.min(EXTENT, value)))] });
  }

  clickPlane(event) {
    if (this.settings.data !== "drawn") return;
    const box = this.plane.canvas.getBoundingClientRect();
    const part = [(event.clientX - box.left) / box.width, (box.bottom - event.clientY) / box.height];
    this.addPoint(part.map((value) => EXTENT * (2 * value - 1)));
  }

  keyOnPlane(event) {
    if (this.settings.data !== "drawn") return;
    const move = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowDown: [0, -0.1], ArrowUp: [0, 0.1] }[event.key];
    if (move) this.cursor = this.cursor.map((value, i) => Math.max(-EXTENT, Math.min(EXTENT, value + move[i])));
    else if (event.key === "Enter" || event.key === " ") this.addPoint(this.cursor);
    else if (event.key === "Backspace") this.change({ drawn: this.settings.drawn.slice(0, -1) });
    else return;
    event.preventDefault();
    this.stage.say(`Cursor at ${number(this.cursor[0], 1)}, ${number(this.cursor[1], 1)}; ${this.settings.drawn.length} points drawn.`);
    this.draw();
  }

  // ---- what the worker says ------------------------------------------------------------------------------------------

  hear(data) {
    if (data.kind === "floor") this.floor = data.floor;
    else this.note(data);
    if (data.kind !== "picture") return;
    this.picture = data;
    if (!data.finite) this.running = false;
    requestAnimationFrame(() => {
      if (this.picture) this.draw();
      this.send("drawn");
    });
    this.tell();
    if (data.round >= this.rounds) this.stage.ready();
  }

  note({ round, distance, estimate }) {
    if (this.history.at(-1)?.round === round) return;
    this.history.push({ round, distance, estimate });
    if (this.history.length > KEPT) this.history = this.history.filter((_, i) => i % 2 === 0);
  }

  tell() {
    const { round, distance, estimate, modes, covered, perRound, finite } = this.picture;
    this.stage.root.dataset.round = round;
    this.stage.root.dataset.perRound = perRound.toFixed(2);
    const reached = modes ? ` ${covered} of ${modes} modes ${covered === 1 ? "is" : "are"} covered.` : "";
    const time = perRound ? ` A round takes ${number(perRound, 0)} ms here.` : "";
    const state = `Round ${round}: exact W₁ ${number(distance)}, the critic's estimate ${tellLarge(estimate)}.${reached}${time}`;
    const said = finite ? state : `Round ${round}: the numbers have left all bounds. Reset, or set something else.`;
    const { says } = PRESETS[presetOf(this.settings)] ?? {};
    this.stage.say(says ? `${said} ${says}` : said, !this.running);
    this.showRunning();
    this.showAddress();
    const last = this.history.slice(-8);
    this.stage.table(HEADER, last.map((one) => [one.round, number(one.distance), tellLarge(one.estimate)]));
  }

  // ---- drawing -------------------------------------------------------------------------------------------------------

  draw() {
    if (!this.picture) return;
    this.drawPlane();
    this.drawSteepness();
    this.drawCurves();
  }

  drawPlane() {
    const { surface, real, fake, slopes, partner } = this.picture;
    const { stage } = this;
    const brush = prepare(this.plane.canvas);
    const [low, high] = span(surface.values);
    if (this.layers.surface) {
      const colour = ramp([stage.colour("low"), stage.colour("paper"), stage.colour("high")]);
      paint(brush.context, brush.size, surface.values, surface.side, (value) => (value - low) / (high - low || 1), colour);
      for (let level = 1; level < LEVELS; level++) {
        const part = level / LEVELS;
        brush.context.setLineDash(part < 0.5 ? [3, 3] : []);
        brush.lines(levelLines(surface.values, surface.side, low + part * (high - low)), surface.side, stage.colour("faint"), part === 0.5 ? 1.6 : 0.7);
      }
      brush.context.setLineDash([]);
    }
    this.plane.legend.textContent =
      `Crosses: data. Dots: generated. Value from ${tellLarge(low)} (blue, dashed lines) to ${tellLarge(high)} (orange, solid lines).`;
    if (this.layers.plan && partner) brush.segments(fake, (i) => [real[2 * partner[i]], real[2 * partner[i] + 1]], stage.colour("2"));
    brush.crosses(real, stage.colour("ink"));
    if (this.layers.arrows) brush.arrows(fake, slopes, stage.colour("3"));
    brush.dots(fake, stage.colour("3"), stage.colour("paper"));
    if (this.settings.data === "drawn") brush.cursor(this.cursor, stage.colour("rule"));
  }

  drawSteepness() {
    const { surface, fake } = this.picture;
    const { stage } = this;
    const brush = prepare(this.steepness.canvas);
    paint(brush.context, brush.size, surface.norms, surface.side, (value) => value / STEEPEST, ramp([stage.colour("paper"), stage.colour("steep")]));
    brush.lines(levelLines(surface.norms, surface.side, 1), surface.side, stage.colour("ink"), 1.8);
    brush.dots(fake, stage.colour("3"), stage.colour("paper"), 2);
    const sorted = surface.norms.slice().sort();
    this.steepness.legend.textContent =
      `From 0 to ${STEEPEST} and more (violet). Along the line it is 1. Half of this square lies below ${tellLarge(sorted[sorted.length >> 1])}.`;
  }

  drawCurves() {
    const { history, plot, floor } = this;
    const most = Math.max(0.5, floor ?? 0, ...history.map((one) => one.distance).filter(Number.isFinite)) * 1.35;
    const least = Math.min(0, Math.max(-most / 2, ...[Math.min(...history.map((one) => one.estimate))].filter(Number.isFinite)));
    const last = Math.max(20, history.at(-1)?.round ?? 0);
    plot.begin([0, last], [least, most]).axes({ xLabel: "round", yLabel: "distance" });
    if (floor) plot.line(0, floor, last, floor, "dashed");
    const inside = (value) => Math.min(most, Math.max(least, value));
    plot.curve(history.map((one) => [one.round, one.distance]), 0);
    plot.curve(history.map((one) => [one.round, inside(one.estimate)]), 1);
    if (floor) plot.text(last, floor, "two samples of the data", { "text-anchor": "end", dy: -5, class: "tick halo" });
    plot.put("text", { class: "series-0", x: plot.width - 16, y: 24, "text-anchor": "end" }, "— exact W₁");
    plot.put("text", { class: "series-1", x: plot.width - 16, y: 41, "text-anchor": "end" }, `- - critic's estimate${offScale(history.at(-1)?.estimate, most, least)}`);
  }
}

const offScale = (value, most, least) => (value > most ? ", above the scale" : value < least ? ", below the scale" : "");
const rounds = () => Math.min(5000, Math.max(0, Number(new URLSearchParams(location.search).get("rounds")) || 0));
const tellLarge = (value) => (Math.abs(value) >= 1000 ? value.toExponential(1).replace("-", "−") : number(value));

function presetOf(settings) {
  const wanted = (key) => ({ weight: START.weight, bound: START.bound, epsilon: START.epsilon, batchNorm: START.batchNorm, ...PRESETS[key].set });
  const matches = (key) => Object.entries(wanted(key)).every(([name, value]) => settings[name] === value);
  return Object.keys(PRESETS).reverse().find(matches) ?? "right";
}

/** A slider over powers of ten, in steps of a fifth; at its lowest place it can mean 0. */
function logRange(label, low, high, value, change, zero = false) {
  const least = zero ? low - 0.2 : low;
  const read = (place) => (zero && place < low - 0.1 ? 0 : Number((10 ** place).toPrecision(2)));
  const control = range({ label, min: least, max: high, step: 0.2, value: 0, tell: (place) => String(read(place)), change: (place) => change(read(place)) });
  const set = (to) => control.set(to ? Math.log10(to) : least);
  set(value);
  return { element: control.element, set };
}

function span(values) {
  const good = [...values].filter(Number.isFinite);
  return good.length ? [Math.min(...good), Math.max(...good)] : [0, 1];
}

/** A canvas as sharp as the screen, and the few things that are drawn on it; places are in the plane. */
function prepare(canvas) {
  const size = canvas.clientWidth || 300;
  const dots = devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(size * dots);
  const context = canvas.getContext("2d");
  context.scale(dots, dots);
  const x = (value) => (size * (value + EXTENT)) / (2 * EXTENT);
  const y = (value) => size - x(value);
  const each = (points, act) => {
    for (let i = 0; i < points.length / 2; i++) act(points[2 * i], points[2 * i + 1], i);
  };
  const stroke = (colour, width, path) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    path();
    context.stroke();
  };
  const segment = (a, b, c, d) => {
    context.moveTo(a, b);
    context.lineTo(c, d);
  };
  return {
    context,
    size,
    lines(pieces, side, colour, width) {
      const at = (value) => (value / (side - 1)) * size;
      stroke(colour, width, () => pieces.forEach(([a, b, c, d]) => segment(at(a), size - at(b), at(c), size - at(d))));
    },
    segments(points, end, colour) {
      stroke(colour, 1.2, () => each(points, (a, b, i) => segment(x(a), y(b), x(end(i)[0]), y(end(i)[1]))));
    },
    crosses(points, colour) {
      stroke(colour, 1.3, () => each(points, (a, b) => {
        segment(x(a) - 3, y(b) - 3, x(a) + 3, y(b) + 3);
        segment(x(a) - 3, y(b) + 3, x(a) + 3, y(b) - 3);
      }));
    },
    dots(points, colour, rim, radius = 3.4) {
      context.fillStyle = colour;
      context.strokeStyle = rim;
      context.lineWidth = 1;
      each(points, (a, b) => {
        context.beginPath();
        context.arc(x(a), y(b), radius, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      });
    },
    arrows(points, slopes, colour) {
      stroke(colour, 1.3, () => each(points, (a, b, i) => {
        const [u, v] = [slopes[2 * i], slopes[2 * i + 1]];
        const shown = ARROW * Math.min(1, STEEPEST / (Math.hypot(u, v) || 1)); // no longer than that of a gradient of 2
        const [c, d] = [x(a + shown * u), y(b + shown * v)];
        segment(x(a), y(b), c, d);
        const angle = Math.atan2(d - y(b), c - x(a));
        for (const turn of [2.6, -2.6]) segment(c, d, c + 5 * Math.cos(angle + turn), d + 5 * Math.sin(angle + turn));
      }));
    },
    cursor([a, b], colour) {
      stroke(colour, 1.5, () => {
        segment(x(a) - 9, y(b), x(a) + 9, y(b));
        segment(x(a), y(b) - 9, x(a), y(b) + 9);
      });
    },
  };
}

mount("playground", (stage) => new Playground(stage));
