/* Piles and holes to drag; the optimal plan, and a plan of one's own, with what they cost. */

import { choice, h, number, range, row } from "../shared/dom.js";
import { mount } from "../shared/mount.js";
import { Handle, Plot } from "../shared/plot.js";
import { cost, interval, PLANS, send, shares } from "./plans.js";

const PILES = [0, 2, 5];
const HOLES = [1.4, 3.2, 6];
const CELLS = [[0, 0], [0, 1], [1, 0], [1, 1]]; // the four amounts that one may choose; the other five follow
const LABELS = { nearest: "the nearest pair first", crossing: "left piles to right holes", independent: "every pile into every hole", own: "my own" };
const TALLEST = 1.5;
const BASE = 2; // height of the line of the piles; that of the holes is 0
const THICK = 26; // pixels of a flow of all the earth

mount("piles", (stage) => {
  const state = { piles: [0.9, 0.4, 0.7], holes: [0.5, 0.8, 0.7], kind: "nearest", own: null };
  const panes = ["Optimal plan", "Your plan"].map((title) => {
    const box = h("div", { class: "explorable-pane" }, h("p", null, title));
    stage.drawing.append(box);
    return { box, plot: new Plot(box, { ratio: 1.1, tallest: 360, label: title, margin: { left: 8, right: 8, bottom: 26 } }) };
  });
  const grid = h("div", { class: "explorable-panes" }, ...panes.map(({ box }) => box));
  stage.drawing.append(grid);
  const [best, other] = panes.map(({ plot }) => plot);
  const masses = () => [shares(state.piles), shares(state.holes)];
  const made = (kind) => PLANS[kind](...masses(), PILES, HOLES);

  const kind = choice({ label: "Your plan", options: LABELS, value: state.kind, change: (value) => {
    if (value === "own") state.own = made(state.kind);
    state.kind = value;
    draw();
  } });
  const cells = CELLS.map(([i, j]) => range({
    label: `pile ${i + 1} → hole ${j + 1}`, min: 0, max: 1, step: 0.01, value: 0, tell: (v) => number(v),
    change: (value) => {
      state.own = send(plan(), i, j, value);
      state.kind = "own";
      draw();
    },
  }));
  stage.controls.append(row(kind.element));
  stage.below.append(row(...cells.map(({ element }) => element)));
  const moveMass = (side, which, value) => {
    state[side] = state[side].with(which, value);
    if (state.kind === "own") state.kind = "independent";
    draw();
  };
  const handles = ["piles", "holes"].flatMap((side, series) => [0, 1, 2].map((which) => new Handle(best, {
    label: `${series ? "Hole" : "Pile"} ${which + 1}, ${series ? "depth" : "height"}`, series, min: 0.1, max: TALLEST - 0.1, step: 0.1, size: 8,
    get: () => state[side][which], set: (value) => moveMass(side, which, value), tell: (value) => `${number(value, 1)}, a share of ${number(shares(state[side])[which])}`,
    place: () => [[PILES, HOLES][series][which], series ? -state.holes[which] : BASE + state.piles[which]],
    read: ([, y]) => (series ? -y : y - BASE),
  })));

  const plan = () => (state.kind === "own" ? state.own : made(state.kind));

  function drawPlan(plot, shown) {
    plot.begin([-0.7, 6.7], [-TALLEST, BASE + TALLEST]).axes({ yTicks: [], grid: false, xTicks: [0, 1, 2, 3, 4, 5, 6] });
    for (const y of [0, BASE]) plot.line(-0.7, y, 6.7, y);
    shown.forEach((flows, i) => flows.forEach((mass, j) => mass > 1e-9 && plot.put("path", {
      d: `M${plot.x(PILES[i])} ${plot.y(BASE)}L${plot.x(HOLES[j])} ${plot.y(0)}`,
      style: `stroke: var(--exp-2); stroke-opacity: 0.55; stroke-width: ${Math.max(1, THICK * mass)}; fill: none`,
    })));
    const wide = Math.min(34, (plot.x(1) - plot.x(0)) * 0.55);
    [[PILES, state.piles, BASE], [HOLES, state.holes, 0]].forEach(([places, heights, base], series) => places.forEach((x, k) => {
      const [top, bottom] = series ? [base, -heights[k]] : [base + heights[k], base];
      plot.put("rect", { class: `curve series-${series}`, x: plot.x(x) - wide / 2, y: plot.y(top), width: wide, height: plot.y(bottom) - plot.y(top), style: `fill: var(--exp-${series}); fill-opacity: 0.2` });
      plot.text(x, series ? -heights[k] : BASE + heights[k], `${k + 1}`, { class: `series-${series}`, "text-anchor": "middle", dy: series ? 24 : -13 });
    }));
    plot.text(6.7, BASE, "piles", { class: "series-0", "text-anchor": "end", dy: -6 });
    plot.text(-0.7, 0, "holes", { class: "series-1", dy: 16 });
    shown.forEach((flows, i) => flows.forEach((mass, j) => {
      const part = 0.25 + 0.25 * j; // of the way down, so that no two numbers of one pile stand at one height
      if (mass > 0.02) plot.text(PILES[i] + part * (HOLES[j] - PILES[i]), BASE * (1 - part), number(mass), { class: "tick halo", "text-anchor": "middle", dy: 4 });
    }));
  }

  function draw(speak = true) {
    const [a, b] = masses();
    const [optimal, mine] = [PLANS.monotone(a, b), plan()];
    drawPlan(best, optimal);
    drawPlan(other, mine);
    handles.forEach((handle) => handle.draw());
    kind.set(state.kind);
    CELLS.forEach(([i, j], k) => {
      const [low, high] = interval(mine, i, j);
      cells[k].set(mine[i][j]);
      cells[k].input.title = `from ${number(low)} to ${number(high)}`;
    });
    const [least, own] = [cost(optimal, PILES, HOLES), cost(mine, PILES, HOLES)];
    const verdict = own - least < 1e-9 ? "as good as can be" : `${number(own - least)} more`;
    stage.say(`The optimal plan costs ${number(least)}: that is W₁. ${state.kind === "own" ? "Your own plan" : `Your plan, ${LABELS[state.kind]},`} costs ${number(own)}: ${verdict}.`, speak);
    const rows = PILES.flatMap((_, i) => HOLES.map((__, j) => [`pile ${i + 1} → hole ${j + 1}`, number(Math.abs(PILES[i] - HOLES[j]), 1), number(optimal[i][j]), number(mine[i][j])]));
    stage.table(["route", "length", "optimal plan", "your plan"], [...rows, ["cost", "", number(least), number(own)]]);
  }

  draw();
  stage.redraw(() => draw(false));
  stage.ready();
  return { state };
});
