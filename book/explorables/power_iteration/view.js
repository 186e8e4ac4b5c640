/* Power iteration: the ellipse of a 2 × 2 matrix on one side, the error by step on the other. */

import { button, choice, number, range, row } from "../shared/dom.js";
import { mount } from "../shared/mount.js";
import { Handle, Plot } from "../shared/plot.js";
import { angleTo, bounds, LARGEST, relativeError, run, spectrum } from "./iteration.js";

const DEGREE = Math.PI / 180;
const TOP = 60 * DEGREE; // direction of the top right singular vector at first
const IMAGE = 15 * DEGREE; // and of its image
const LOWEST = 1e-12;
const LEAST_SHOWN = 20;
const MOST = 200;
const EDGE = 2.35;

const small = (value) => (value >= 0.001 ? number(value, 4) : value > 0 ? value.toExponential(1).replace("-", "−") : "0");
const superscript = (power) => [...String(Math.round(power))].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
const at = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];

mount("power_iteration", (stage) => {
  const state = { kind: "two", ratio: 0.8, angle: 80, turn: 0, steps: 0 };
  const ellipse = new Plot(stage.drawing, { square: true, tallest: 330, share: 0.44, label: "The unit circle and its image", margin: { left: 30, bottom: 24, right: 26, top: 8 } });
  const errors = new Plot(stage.drawing, { ratio: 0.92, tallest: 330, share: 0.52, label: "Relative error of the estimate by step", margin: { left: 58 } });
  const change = (part) => {
    Object.assign(state, { steps: 0 }, part);
    angle.set(state.angle);
    draw();
  };
  const kind = choice({ label: "Singular values", options: { two: "two", many: "twenty" }, value: "two", change: (value) => change({ kind: value }) });
  const ratio = range({ label: "σ₂/σ₁", min: 0, max: 1, step: 0.01, value: state.ratio, tell: (v) => number(v), change: (value) => change({ ratio: value }) });
  const angle = range({ label: "Start, from the top vector", min: -90, max: 90, step: 1, value: state.angle, tell: (v) => `${number(v, 0)}°`, change: (value) => change({ angle: value }) });
  const turn = range({ label: "W turns before each step by", min: 0, max: 20, step: 0.5, value: 0, tell: (v) => `${number(v, 1)}°`, change: (value) => change({ turn: value }) });
  const go = (count) => {
    state.steps = Math.min(MOST, state.steps + count);
    draw();
  };
  stage.controls.append(
    row(button("One step", () => go(1), { class: "explorable-button first" }), button("Ten steps", () => go(10)), button("Start again", () => change({})), kind.element),
    row(ratio.element, angle.element),
    row(turn.element),
  );
  const handle = new Handle(ellipse, {
    label: "Start vector: angle from the top vector, in degrees", series: 1, min: -90, max: 90, step: 1, along: "x",
    get: () => state.angle, set: (value) => change({ angle: value }), tell: (value) => `${value}°`,
    place: () => at(1, TOP + state.angle * DEGREE),
    read: ([x, y]) => (((Math.atan2(y, x) - TOP) / DEGREE + 450) % 180) - 90,
  });

  const sigmas = () => spectrum(state.kind, state.ratio);

  function arrow(from, to, series, label) {
    const [x0, y0] = from.map((value, i) => (i ? ellipse.y(value) : ellipse.x(value)));
    const [x1, y1] = to.map((value, i) => (i ? ellipse.y(value) : ellipse.x(value)));
    const direction = Math.atan2(y1 - y0, x1 - x0);
    const gap = series || state.steps ? 9 : 18; // the start's own handle lies over its tip
    const barb = (side) => `M${x1} ${y1}l${-9 * Math.cos(direction + side)} ${-9 * Math.sin(direction + side)}`;
    ellipse.put("path", { class: `curve solid series-${series}`, d: `M${x0} ${y0}L${x1} ${y1}${barb(0.45)}${barb(-0.45)}` });
    ellipse.put("text", { class: `series-${series}`, x: x1 + gap * Math.cos(direction), y: y1 + (gap + 3) * Math.sin(direction) + 4, "text-anchor": x1 < x0 ? "end" : "start" }, label);
  }

  /** Where W takes the vector with these coordinates in the basis of right singular vectors. */
  function image([a, b]) {
    const [s1, s2] = sigmas();
    const [x, y] = [s1 * a, s2 * b];
    return [x * Math.cos(IMAGE) - y * Math.sin(IMAGE), x * Math.sin(IMAGE) + y * Math.cos(IMAGE)];
  }

  function drawEllipse(vector) {
    ellipse.begin([-EDGE, EDGE], [-EDGE, EDGE]).axes({ xTicks: [-2, -1, 0, 1, 2], yTicks: [-2, -1, 0, 1, 2] });
    const circle = Array.from({ length: 73 }, (_, i) => at(1, i * 5 * DEGREE));
    ellipse.curve(circle, 3, "thin");
    ellipse.curve(circle.map(image), 2, "thin solid");
    const top = TOP + state.steps * state.turn * DEGREE;
    const place = (a, b) => [a * Math.cos(top) - b * Math.sin(top), a * Math.sin(top) + b * Math.cos(top)];
    ellipse.put("path", { class: "dashed", d: `M${ellipse.x(place(-1.4, 0)[0])} ${ellipse.y(place(-1.4, 0)[1])}L${ellipse.x(place(1.4, 0)[0])} ${ellipse.y(place(1.4, 0)[1])}` });
    ellipse.text(...place(1.5, 0), "top", { class: "tick halo", "text-anchor": "middle", dy: 4 });
    arrow([0, 0], image(vector), 2, "Wv");
    arrow([0, 0], place(vector[0], vector[1]), 0, "v");
    handle.draw();
  }

  function drawErrors({ warm, cold }) {
    const last = Math.max(LEAST_SHOWN, state.steps);
    errors.begin([0, last], [LOWEST, 1.5], { logY: true });
    errors.axes({ xLabel: "steps", yLabel: "1 − σ̂/σ₁", yTicks: [1, 1e-3, 1e-6, 1e-9, 1e-12], tellY: (tick) => (tick === 1 ? "1" : `10${superscript(Math.log10(tick))}`) });
    const shown = (value) => Math.min(1.5, Math.max(LOWEST, value));
    const proved = bounds(sigmas(), state.angle * DEGREE, state.turn * DEGREE, last);
    errors.curve(proved.map((value, k) => [k, Number.isNaN(value) ? NaN : shown(value)]), 2);
    if (state.steps) errors.curve(cold.map((value, k) => [k, shown(value)]), 1);
    errors.curve(warm.map((value, k) => [k, shown(value)]), 0);
    warm.forEach((value, k) => (state.steps <= 40 || k === state.steps) && errors.dot(k, shown(value), 0, 3.5));
    const from = proved.findIndex((value) => !Number.isNaN(value));
    const claim = from > 0 ? `proved from step ${from}` : from < 0 ? "nothing is proved" : "what is proved";
    const words = ["● from the last vector", "- - one step from the start", `··· ${claim}`];
    words.forEach((word, series) => errors.put("text", { class: `series-${series}`, x: errors.margin.left + 8, y: errors.height - errors.margin.bottom - 42 + 17 * series }, word));
  }

  function draw(speak = true) {
    const found = run(sigmas(), state.angle * DEGREE, state.turn * DEGREE, state.steps);
    const vector = found.vectors[state.steps];
    drawEllipse(vector);
    drawErrors(found);
    const error = relativeError(sigmas(), vector);
    const notes = [];
    if (state.ratio === 1) notes.push("A tie: any vector of the top plane will do, and the iteration stays where it is in it.");
    if (Math.abs(state.angle) === 90) notes.push("The start is at a right angle to the top vector: without rounding, or a turn of W, it never finds it.");
    if (state.kind === "many") notes.push("Of the twenty coordinates the first two are drawn.");
    stage.say([`Step ${state.steps}: the estimate ${number(LARGEST * (1 - error), 4)} of σ₁ = ${number(LARGEST, 0)} is off by ${small(error)}, relatively; the vector is ${number(angleTo(vector) / DEGREE, 2)}° from the top vector.`, ...notes].join(" "), speak);
    const rows = found.warm.map((value, k) => [k, number(LARGEST * (1 - value), 6), small(value), small(found.cold[k])]).slice(-10);
    stage.table(["step", "estimate of σ₁", "error", "error of one step from the start"], rows);
  }

  draw();
  stage.redraw(() => draw(false));
  stage.ready();
  return { state };
});
