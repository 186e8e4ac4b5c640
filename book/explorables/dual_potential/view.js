/* A critic to drag: its values at six points of a line, under the cone of slope one. */

import { button, number, row, toggle } from "../shared/dom.js";
import { mount } from "../shared/mount.js";
import { Handle, Plot } from "../shared/plot.js";
import { distance, optimal, push, score, steepest } from "./dual.js";

const REAL = [-3, 1.5, 3.5];
const FAKE = [-1.5, 0, 5];
const PLACES = [...REAL, ...FAKE];
const NAMES = ["real at −3", "real at 1.5", "real at 3.5", "generated at −1.5", "generated at 0", "generated at 5"];
const ORDER = PLACES.map((_, i) => i).sort((i, j) => PLACES[i] - PLACES[j]);
const HIGH = 3;
const SIDES = [-4, 6];
const BEST = distance(REAL, FAKE);

mount("dual_potential", (stage) => {
  const state = { values: PLACES.map(() => 0), chosen: 1, limited: true };
  const plot = new Plot(stage.drawing, { ratio: 0.56, tallest: 400, label: "The critic's values at three real and three generated points" });
  const move = (which, value) => {
    state.chosen = which;
    state.values = state.limited ? push(PLACES, state.values, which, value) : state.values.with(which, value);
    draw();
  };
  const set = (values) => {
    state.values = values;
    draw();
  };
  const limit = toggle({
    label: "slope at most 1: the cone pushes the other points",
    value: true,
    change: (limited) => {
      state.limited = limited;
      if (limited) state.values = push(PLACES, state.values, state.chosen, state.values[state.chosen]);
      if (limited && steepest(PLACES, state.values) > 1) state.values = state.values.map((value) => value / steepest(PLACES, state.values));
      draw();
    },
  });
  stage.controls.append(row(button("Flat", () => set(PLACES.map(() => 0))), button("An optimal critic", () => set(centred(optimal(REAL, FAKE)))), limit.element));
  const handles = ORDER.map((which) => new Handle(plot, {
    label: `Critic's value at ${NAMES[which]}`, series: which < REAL.length ? 0 : 1, min: -HIGH, max: HIGH, step: 0.1,
    get: () => state.values[which], set: (value) => move(which, value), place: () => [PLACES[which], state.values[which]],
  }));
  handles.forEach((handle, i) => handle.element.addEventListener("focus", () => {
    state.chosen = ORDER[i];
    draw(false);
  }));

  function drawCone() {
    const [x, y] = [PLACES[state.chosen], state.values[state.chosen]];
    const corner = (side, slope) => `${plot.x(side)} ${plot.y(y + slope * (side - x))}`;
    const [left, right] = SIDES;
    const clip = `clip-${stage.root.parentElement.id || "cone"}`;
    const { top, bottom } = plot.margin;
    plot.put("clipPath", { id: clip }).append(plot.put("rect", { x: plot.x(left), y: top, width: plot.x(right) - plot.x(left), height: plot.height - top - bottom }));
    plot.put("path", {
      d: `M${corner(left, -1)}L${plot.x(x)} ${plot.y(y)}L${corner(left, 1)}ZM${corner(right, -1)}L${plot.x(x)} ${plot.y(y)}L${corner(right, 1)}Z`,
      style: "fill: var(--exp-2); fill-opacity: 0.16; stroke: var(--exp-2); stroke-width: 1; stroke-dasharray: 2 3",
      "clip-path": `url(#${clip})`,
    });
  }

  function draw(speak = true) {
    const { values } = state;
    plot.begin(SIDES, [-HIGH - 0.6, HIGH + 0.4]).axes({ xLabel: "place", yLabel: "critic's value" });
    drawCone();
    const matched = [REAL, FAKE].map((points) => [...points].sort((a, b) => a - b));
    matched[0].forEach((x, i) => {
      plot.line(x, -HIGH - 0.45, matched[1][i], -HIGH - 0.45, "curve series-3 solid");
      plot.dot(x, -HIGH - 0.45, 0, 4);
      plot.dot(matched[1][i], -HIGH - 0.45, 1, 4);
    });
    plot.text(SIDES[1], -HIGH - 0.45, "optimal pairs", { class: "tick halo", "text-anchor": "end", dy: -10 });
    plot.curve(ORDER.map((i) => [PLACES[i], values[i]]), 3, "solid thin");
    plot.text(SIDES[0], HIGH, "● real", { class: "series-0", dx: 8, dy: 4 });
    plot.text(SIDES[0], HIGH, "■ generated", { class: "series-1", dx: 70, dy: 4 });
    handles.forEach((handle) => handle.draw());
    tell(speak);
  }

  function tell(speak) {
    const { values } = state;
    const reached = score(values.slice(0, REAL.length), values.slice(REAL.length));
    const slope = steepest(PLACES, values);
    const parts = [`Mean over real minus mean over generated: ${number(reached)}. W₁ is ${number(BEST)}`];
    if (slope > 1 + 1e-9) parts.push(`the steepest slope is ${number(slope)}, so this proves W₁ ≥ ${number(reached / slope)} only.`);
    else parts.push(Math.abs(BEST - reached) < 1e-9 ? "the duality gap is 0.00: this critic is optimal." : `the duality gap is ${number(BEST - reached)}.`);
    stage.say(parts.join("; "), speak);
    stage.table(["point", "critic's value"], [...ORDER.map((i) => [NAMES[i], number(values[i])]), ["score", number(reached)], ["W₁", number(BEST)], ["duality gap", number(BEST - reached)], ["steepest slope", number(slope)]]);
  }

  draw();
  stage.redraw(() => draw(false));
  stage.ready();
  return { state, move };
});

/** The same critic, moved so that the middle of its range is 0: a constant changes nothing. */
function centred(values) {
  const middle = (Math.max(...values) + Math.min(...values)) / 2;
  return values.map((value) => value - middle);
}
