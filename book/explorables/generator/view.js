/* The trained generator: two latent points on a map, the walk between them, and the nearest training image. */

import source from "worker-source";
import { button, choice, h, number, range, row } from "../shared/dom.js";
import { mount } from "../shared/mount.js";
import { clamp, Handle, Plot } from "../shared/plot.js";

const PIXELS = 28;
const EDGE = Math.PI;
const STEP = 0.1;
const HEADER = ["part of the way", "nearest training image", "its distance"];
const here = document.currentScript?.src ?? location.href;

/** The weights and images, in a script of their own: a page from disk may load scripts, and nothing else. */
function fetchData() {
  return new Promise((resolve, reject) => {
    const script = h("script", { src: new URL("data.js", here).href });
    script.onload = () => resolve(globalThis.wganCourseGenerator);
    script.onerror = () => reject(new Error("the generator's weights are missing beside its script"));
    document.head.append(script);
  });
}

/** Paint pictures side by side, so many in a row; `grey` makes a level of 0 to 255 of an entry. */
function paint(canvas, pictures, columns, grey) {
  const rows = Math.ceil(pictures.length / columns);
  Object.assign(canvas, { width: PIXELS * columns, height: PIXELS * rows });
  const context = canvas.getContext("2d");
  pictures.forEach((picture, which) => {
    const image = context.createImageData(PIXELS, PIXELS);
    picture.forEach((entry, i) => image.data.set([grey(entry), grey(entry), grey(entry), 255], 4 * i));
    context.putImageData(image, PIXELS * (which % columns), PIXELS * Math.floor(which / columns));
  });
}

const fromUnit = (entry) => Math.round(127.5 * (entry + 1));
const asItIs = (entry) => entry;

class Walk {
  constructor(stage) {
    this.stage = stage;
    this.state = { seed: 1, a: [-1.8, 1.4], b: [1.8, -1.1], from: 3, to: 9, part: 0.5 };
    this.waiting = new Map(); // questions that the worker shall get next, one of each kind
    this.busy = false;
    this.stage.say("The weights and a thousand training images, 3 MB, load when this figure comes into view.", false);
    this.build();
    new IntersectionObserver(([entry], observer) => {
      if (!entry.isIntersecting) return;
      observer.disconnect();
      this.load();
    }, { rootMargin: "400px" }).observe(stage.root);
  }

  build() {
    const { stage, state } = this;
    const kind = (label, key) => choice({ label, options: { [state[key]]: "…" }, value: state[key], change: (value) => this.change({ [key]: Number(value) }) });
    this.kinds = [kind("A: class", "from"), kind("B: class", "to")];
    this.part = range({ label: "Part of the way from A to B", min: 0, max: 1, step: 0.01, value: state.part, tell: (v) => number(v), change: (part) => this.change({ part }) });
    stage.controls.append(
      row(...this.kinds.map(({ element }) => element), button("Another map", () => this.change({ seed: state.seed + 1 })), button("Exchange A and B", () => this.exchange())),
      row(this.part.element),
    );
    this.plot = new Plot(stage.drawing, { square: true, tallest: 340, share: 0.5, label: "Map of latent vectors, with pictures of A's class", margin: { left: 8, right: 8, top: 8, bottom: 8 } });
    this.handles = [this.handle("A", "a", 1), this.handle("B", "b", 0)];
    const pane = (title) => {
      const canvas = h("canvas", { width: PIXELS, height: PIXELS, role: "img", "aria-label": `${title}; described below` });
      const legend = h("p", { class: "legend" });
      return { canvas, legend, element: h("div", { class: "explorable-pane" }, h("p", null, title), canvas, legend) };
    };
    [this.made, this.near] = [pane("Made"), pane("Nearest of 1,000")];
    this.strip = h("div", { class: "explorable-strip", "aria-hidden": "true" });
    stage.drawing.append(h("div", { class: "explorable-pictures" }, this.made.element, this.near.element), this.strip);
  }

  handle(name, key, series) {
    const { state } = this;
    const move = (place) => this.change({ [key]: place.map((value) => clamp(value, -EDGE, EDGE)) });
    return new Handle(this.plot, {
      label: `Point ${name}: arrow keys move it across and up`, series, min: -EDGE, max: EDGE, step: STEP, along: "x", size: 11,
      get: () => state[key][0], set: (value) => move([value, state[key][1]]), place: () => state[key],
      free: move, rise: (by) => move([state[key][0], state[key][1] + by]),
      tell: () => `across ${number(state[key][0], 1)}, up ${number(state[key][1], 1)}`,
    });
  }

  exchange() {
    const { a, b, from, to } = this.state;
    this.change({ a: b, b: a, from: to, to: from });
  }

  async load() {
    try {
      const data = await fetchData();
      this.typical = data.typical;
      this.names = data.classes;
      this.kinds.forEach(({ select }) => select.replaceChildren(...data.classes.map((name, value) => h("option", { value }, name))));
      this.worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      this.worker.onmessage = ({ data: answer }) => this.hear(answer);
      this.worker.onerror = () => this.giveUp("this browser cannot run it");
      this.ask("load", { data });
      this.change({});
      this.stage.redraw(() => this.draw());
    } catch (error) {
      this.giveUp(error.message);
    }
  }

  /** Say why there is no live figure, and show the still below. */
  giveUp(why) {
    this.stage.say(`The generator did not load: ${why}. The picture below is how it looks.`);
    this.stage.figure?.classList.add("has-failed");
  }

  change(part) {
    const old = this.mapped;
    Object.assign(this.state, part);
    const { seed, from, to } = this.state;
    this.kinds[0].set(from);
    this.kinds[1].set(to);
    this.part.set(this.state.part);
    this.mapped = `${seed} ${from}`;
    if (!this.worker) return;
    if (this.mapped !== old || !this.picture) this.ask("map", { seed, from });
    this.ask("walk", structuredClone(this.state));
    this.draw();
  }

  ask(act, rest) {
    this.waiting.set(act, { act, ...rest });
    this.next();
  }

  next() {
    const [act] = this.waiting.keys();
    if (this.busy || !act) return;
    this.busy = true;
    this.worker.postMessage(this.waiting.get(act));
    this.waiting.delete(act);
  }

  hear(answer) {
    this.busy = false;
    if (answer.kind === "map") {
      const canvas = h("canvas");
      paint(canvas, answer.pictures, answer.side, fromUnit);
      this.background = canvas.toDataURL();
    }
    if (answer.kind === "walk") this.picture = answer;
    this.next();
    this.draw();
    if (answer.kind !== "walk") return;
    this.tell();
    if (!this.waiting.size) this.stage.ready();
  }

  draw() {
    const { plot, state } = this;
    plot.begin([-EDGE, EDGE], [-EDGE, EDGE]);
    const [left, top] = [plot.x(-EDGE), plot.y(EDGE)];
    const side = plot.x(EDGE) - left;
    if (this.background) plot.put("image", { href: this.background, x: left, y: top, width: side, height: side, class: "pixels" });
    for (const [name, [x, y], series] of [["A", state.a, 1], ["B", state.b, 0]]) {
      plot.put("text", { class: `series-${series}`, x: plot.x(x) + (x > 2.5 ? -28 : 16), y: plot.y(y) + 6, "font-size": 18 }, name);
    }
    this.handles.forEach((handle) => handle.draw());
    if (!this.picture) return;
    const { now, stops } = this.picture;
    paint(this.made.canvas, [now.picture], 1, fromUnit);
    paint(this.near.canvas, [now.image], 1, asItIs);
    this.made.legend.textContent = `${number(state.part)} of the way`;
    this.near.legend.textContent = `${this.names[now.kind]}, distance ${number(now.distance)}`;
    if (this.strip.children.length !== stops.length) this.strip.replaceChildren(...stops.map(() => h("canvas")));
    const chosen = Math.round(state.part * (stops.length - 1));
    stops.forEach(({ picture }, i) => {
      paint(this.strip.children[i], [picture], 1, fromUnit);
      this.strip.children[i].classList.toggle("chosen", i === chosen);
    });
  }

  tell() {
    const { now, stops, perPicture } = this.picture;
    const { from, to, part } = this.state;
    const { names } = this;
    this.stage.root.dataset.perPicture = perPicture.toFixed(2);
    const way = `${number(part)} of the way from A (${names[from]}) to B (${names[to]})`;
    this.stage.say(`${way}: the nearest of 1,000 training images is of the class ${names[now.kind]}, at distance ${number(now.distance)}. A training image has its nearest other one at ${number(this.typical)} (median). A picture takes ${number(perPicture, 0)} ms here.`);
    const last = stops.length - 1;
    this.stage.table(HEADER, stops.map(({ kind, distance }, i) => [number(i / last, 3), names[kind], number(distance)]));
  }
}

mount("generator", (stage) => new Walk(stage));
