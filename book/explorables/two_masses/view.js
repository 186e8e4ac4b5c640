/* Two masses and θ: where they lie above, four measures of their distance below. */

import { number, range, row, button } from "../shared/dom.js";
import { mount } from "../shared/mount.js";
import { Handle, Plot } from "../shared/plot.js";
import { slopes, values } from "./distances.js";

const REACH = 4;
const ACROSS = [-REACH - 1.1, REACH + 1.1]; // of both pictures, so that the mass lies above its θ
const NAMES = { w1: "W₁", tv: "total variation", js: "Jensen–Shannon" };
const ORDER = Object.keys(NAMES);
const HEADER = ["measure", "value", "slope in θ"];
const TALL = 4.3;
const STEP = 0.1;
const NEAR = 0.0999; // of 0: the next step would pass it
const JUMP = 1e-9;

const told = (slope) => (Number.isNaN(slope) ? "none" : number(slope));

mount("two_masses", (stage) => {
  const state = { theta: 2.5, width: 1 };
  const masses = new Plot(stage.drawing, { ratio: 0.24, tallest: 170, label: "The two masses on the line", margin: { bottom: 30 } });
  const curves = new Plot(stage.drawing, { ratio: 0.48, tallest: 330, label: "Four measures of their distance against θ" });
  const update = (part) => {
    Object.assign(state, part);
    theta.set(state.theta);
    width.set(state.width);
    draw();
  };
  const theta = range({ label: "Shift θ", min: -REACH, max: REACH, step: 0.05, value: state.theta, tell: (v) => number(v), change: (value) => update({ theta: value }) });
  const width = range({ label: "Width of each mass", min: 0, max: 2, step: 0.1, value: state.width, tell: (v) => (v ? number(v, 1) : "points"), change: (value) => update({ width: value }) });
  stage.controls.append(
    row(theta.element, width.element),
    row(button("Descend W₁", () => descend("w1")), button("Descend Jensen–Shannon", () => descend("js"))),
  );
  const handle = new Handle(masses, {
    label: "The generated mass: shift θ", series: 1, min: -REACH, max: REACH, step: 0.05, along: "x",
    get: () => state.theta, set: (value) => update({ theta: value }), place: () => [state.theta, 0.5],
  });

  /** Twenty steps of gradient descent from here, as far as the slope says anything; a step that would pass 0 ends there. */
  function descend(measure) {
    const start = state.theta;
    let at = start;
    for (let i = 0; i < 20; i++) {
      const slope = slopes(at, state.width)[measure];
      if (!Number.isFinite(slope) || Math.abs(at) < NEAR) break;
      at -= STEP * slope;
    }
    update({ theta: Math.abs(at) < NEAR ? 0 : Math.round(at * 20) / 20 });
    const name = NAMES[measure];
    const moved = state.theta === start ? `did not move: the slope of ${name} is ${told(slopes(start, state.width)[measure])} there` : `went from ${number(start)} to ${number(state.theta)}`;
    stage.say(`Twenty steps of size 0.1 down ${name}: θ ${moved}.`);
  }

  function drawMasses() {
    masses.begin(ACROSS, [0, 1.25]).axes({ yTicks: [], grid: false, xLabel: "" });
    [0, state.theta].forEach((centre, series) => {
      const half = state.width / 2;
      if (half) {
        const [left, right] = [masses.x(centre - half), masses.x(centre + half)];
        masses.put("rect", { class: `curve series-${series}`, x: left, y: masses.y(1), width: right - left, height: masses.y(0) - masses.y(1), style: `fill: var(--exp-${series}); fill-opacity: 0.18` });
      } else masses.put("path", { class: `curve series-${series}`, d: `M${masses.x(centre)} ${masses.y(0)}V${masses.y(1)}` });
      const shift = Math.abs(state.theta) < 1.6 ? (series ? 1 : -1) * (state.theta < 0 ? -1 : 1) * 34 : 0;
      masses.put("text", { class: `series-${series}`, x: masses.x(centre) + shift, y: masses.y(1) - 6, "text-anchor": "middle" }, series ? "generated" : "real");
    });
    handle.draw();
  }

  function drawCurves() {
    curves.begin(ACROSS, [0, TALL]).axes({ xLabel: "θ", yLabel: "distance" });
    const corners = [-REACH, -state.width, -JUMP, 0, JUMP, state.width, REACH];
    ORDER.forEach((key, series) => {
      curves.curve([...new Set(corners)].map((at) => [at, values(at, state.width)[key]]), series);
      const here = values(state.theta, state.width)[key];
      curves.dot(state.theta, here, series);
      const at = key === "w1" ? -3.2 : -REACH;
      curves.text(at, values(at, state.width)[key], NAMES[key], { class: `series-${series}`, dx: 8, dy: key === "js" ? 16 : -7 });
    });
    curves.line(state.theta, 0, state.theta, TALL, "dashed");
    curves.text(0, TALL, "KL is ∞ for every θ but 0", { class: "note halo", "text-anchor": "middle", dy: 14 });
  }

  function draw() {
    drawMasses();
    drawCurves();
    const [now, rise] = [values(state.theta, state.width), slopes(state.theta, state.width)];
    const parts = ORDER.map((key) => `${NAMES[key]} ${number(now[key])} (slope ${told(rise[key])})`);
    stage.say(`θ = ${number(state.theta)}: ${parts.join(", ")}, KL ${number(now.kl)}.`);
    stage.table(HEADER, [...ORDER.map((key) => [NAMES[key], number(now[key]), told(rise[key])]), ["Kullback–Leibler", number(now.kl), "none"]]);
  }

  draw();
  stage.redraw(draw);
  stage.ready();
  return { state, update };
});
