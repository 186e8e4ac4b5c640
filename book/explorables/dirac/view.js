/* The phase portrait of a Dirac-GAN: the field as arrows, and a run of gradient steps from a start that one drags. */

import { button, choice, number, range, row, toggle } from "../shared/dom.js";
import { calm, mount } from "../shared/mount.js";
import { clamp, Handle, Plot } from "../shared/plot.js";
import { eigenvalue, jacobian, METHODS, simulate } from "./dynamics.js";

const EDGE = 2.2;
const ARROWS = 11;
const FAR = 2; // of a start from the equilibrium
const MOST = 400;
const FIELDLESS = new Set(["gp"]); // the field jumps at the equilibrium, so no linear part decides there

mount("dirac", (stage) => {
  const state = { name: "wgan", parameter: 1, rate: 0.1, criticSteps: 1, alternating: false, start: [1, 1], shown: 200 };
  const portrait = new Plot(stage.drawing, { square: true, tallest: 400, share: 0.56, label: "Phase portrait: generator θ and discriminator ψ" });
  const radius = new Plot(stage.drawing, { ratio: 0.95, tallest: 400, share: 0.4, label: "Distance from the equilibrium by step" });
  let playing = 0;
  const change = (part) => {
    cancelAnimationFrame(playing);
    Object.assign(state, part);
    if (!("shown" in part)) state.shown = 200;
    sync();
    draw();
  };
  const labels = Object.fromEntries(Object.entries(METHODS).map(([key, { label }]) => [key, label]));
  const method = choice({ label: "Method", options: labels, value: state.name, change: (name) => change({ name, parameter: METHODS[name].parameter?.[1] ?? 1 }) });
  const parameter = range({ label: "Its number", min: 0, max: 3, step: 0.1, value: 1, tell: (v) => number(v, 1), change: (value) => change({ parameter: value }) });
  const rate = range({ label: "Step size", min: 0.02, max: 1, step: 0.02, value: state.rate, tell: (v) => number(v), change: (value) => change({ rate: value }) });
  const critic = range({ label: "Critic steps", min: 1, max: 10, step: 1, value: 1, change: (value) => change({ criticSteps: value }) });
  const steps = range({ label: "Rounds shown", min: 0, max: MOST, step: 5, value: state.shown, change: (value) => change({ shown: value }) });
  const alternating = toggle({ label: "alternating: the generator sees the new ψ", value: false, change: (value) => change({ alternating: value }) });
  stage.controls.append(
    row(method.element, button("Play", () => play(), { class: "explorable-button first" })),
    row(parameter.element, rate.element), row(critic.element, steps.element), row(alternating.element),
  );
  const place = (start) => change({ start, shown: state.shown });
  const startTheta = range({ label: "Start θ", min: -FAR, max: FAR, step: 0.1, value: 1, tell: (v) => number(v, 1), change: (value) => place([value, state.start[1]]) });
  const startPsi = range({ label: "Start ψ", min: -FAR, max: FAR, step: 0.1, value: 1, tell: (v) => number(v, 1), change: (value) => place([state.start[0], value]) });
  const handle = new Handle(portrait, {
    label: "Start: θ (ψ has a slider below)", series: 1, min: -FAR, max: FAR, step: 0.1, along: "x",
    get: () => state.start[0], set: (value) => place([value, state.start[1]]), place: () => state.start,
    free: (point) => place(point.map((value) => Math.round(10 * clamp(value, -FAR, FAR)) / 10)),
  });
  stage.below.append(row(startTheta.element, startPsi.element));

  function sync() {
    const { parameter: known } = METHODS[state.name];
    parameter.element.hidden = !known;
    parameter.element.querySelector("label").textContent = known?.[0] ?? "";
    parameter.set(state.parameter);
    steps.set(state.shown);
    startTheta.set(state.start[0]);
    startPsi.set(state.start[1]);
  }

  /** Show the run from its start; at once for readers who asked for less motion. */
  function play() {
    const last = 300;
    if (calm()) return change({ shown: last });
    const frame = (shown) => {
      change({ shown });
      if (shown < last) playing = requestAnimationFrame(() => frame(shown + 2));
    };
    return frame(0);
  }

  const run = () => simulate({ ...state, steps: state.shown });

  function drawField() {
    const { field } = METHODS[state.name];
    const room = (2 * EDGE) / ARROWS;
    const ticks = Array.from({ length: ARROWS }, (_, i) => -EDGE + (i + 0.5) * room);
    for (const theta of ticks) for (const psi of ticks) {
      const [u, v] = field(theta, psi, state.parameter);
      const length = Math.hypot(u, v);
      if (length < 1e-9) continue;
      const scale = (0.42 * room * Math.min(1, 0.35 + length / 3)) / length;
      const [x0, y0, x1, y1] = [portrait.x(theta - scale * u), portrait.y(psi - scale * v), portrait.x(theta + scale * u), portrait.y(psi + scale * v)];
      const angle = Math.atan2(y1 - y0, x1 - x0);
      const barb = (side) => `M${x1} ${y1}l${-5 * Math.cos(angle + side)} ${-5 * Math.sin(angle + side)}`;
      portrait.put("path", { class: "rule", d: `M${x0} ${y0}L${x1} ${y1}${barb(0.5)}${barb(-0.5)}` });
    }
  }

  function drawPortrait(states) {
    portrait.begin([-EDGE, EDGE], [-EDGE, EDGE]).axes({ xLabel: "θ, the generated point", yLabel: "ψ, the discriminator's slope", xTicks: [-2, -1, 0, 1, 2], yTicks: [-2, -1, 0, 1, 2], grid: false });
    drawField();
    if (state.name === "clip") for (const c of [state.parameter, -state.parameter]) if (Math.abs(c) <= EDGE) portrait.line(-EDGE, c, EDGE, c, "dashed");
    const inside = states.map(([theta, psi]) => (Math.max(Math.abs(theta), Math.abs(psi)) <= EDGE ? [theta, psi] : [NaN, NaN]));
    portrait.curve(inside, 0, "solid thin");
    inside.forEach(([theta, psi], k) => Number.isFinite(theta) && k === states.length - 1 && portrait.dot(theta, psi, 0, 6));
    portrait.put("path", { class: "frame", d: `M${portrait.x(-0.09)} ${portrait.y(0)}H${portrait.x(0.09)}M${portrait.x(0)} ${portrait.y(-0.09)}V${portrait.y(0.09)}`, style: "stroke-width: 2.5" });
    handle.draw();
  }

  function drawRadius(states) {
    const distances = states.map(([theta, psi]) => Math.hypot(theta, psi));
    const high = Math.min(6, Math.max(1.6, ...distances) * 1.1);
    radius.begin([0, Math.max(20, state.shown)], [0, high]).axes({ xLabel: "rounds", yLabel: "distance from (0, 0)" });
    radius.curve(distances.map((value, k) => [k, value <= high ? value : NaN]), 0);
  }

  function tell(states, speak) {
    const [theta, psi] = states.at(-1);
    const distances = states.map(([a, b]) => Math.hypot(a, b));
    const [real, imaginary] = eigenvalue(jacobian(state.name, state.parameter));
    const linear = FIELDLESS.has(state.name) ? "the field jumps there, and no linear part decides." : `eigenvalues ${number(real)}${imaginary ? ` ± ${number(imaginary)} i` : " (the larger)"}${verdict(real)}`;
    const ended = states.length - 1 < state.shown ? " It has left all bounds." : "";
    stage.say(`After ${states.length - 1} rounds: θ = ${number(theta)}, ψ = ${number(psi)}, ${number(distances.at(-1))} from the equilibrium (it began at ${number(distances[0])}).${ended} At the equilibrium: ${linear}`, speak);
    const every = Math.max(1, Math.ceil((states.length - 1) / 8));
    const rows = states.map(([a, b], k) => [k, number(a, 3), number(b, 3), number(distances[k], 3)]).filter((_, k) => k % every === 0);
    stage.table(["round", "θ", "ψ", "distance"], rows);
  }

  function draw(speak = true) {
    const states = run();
    drawPortrait(states);
    drawRadius(states);
    tell(states, speak);
  }

  sync();
  draw();
  stage.redraw(() => draw(false));
  stage.ready();
  return { state, run };
});

function verdict(real) {
  if (real < -1e-6) return ": the flow comes to rest there.";
  if (real > 1e-6) return ": the flow leaves it.";
  return ": the linear part only turns.";
}
