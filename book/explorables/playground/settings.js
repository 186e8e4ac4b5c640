/* What a reader can set, what it means, and the link that restores it. */

import { NAMES } from "./data.js";

export const CONSTRAINTS = {
  none: "none",
  clip: "weight clipping",
  gp: "gradient penalty (two-sided)",
  lp: "gradient penalty (one-sided)",
  sn: "spectral normalisation",
};
export const DATA = {
  "eight-gaussians": "8 Gaussians",
  "twenty-five-gaussians": "25 Gaussians",
  "swiss-roll": "Swiss roll",
  "two-moons": "two moons",
  drawn: "points that you draw",
};
export const START = {
  data: NAMES[0],
  constraint: "gp",
  weight: 1, // λ of the penalties
  bound: 0.1, // c of clipping
  epsilon: "uniform", // or "one": the penalty looks at real points only
  batchNorm: false,
  criticSteps: 5,
  rate: 0.001,
  hidden: 64,
  batch: 128,
  seed: 1,
  drawn: [],
};
/** Ways to break it, each from a chapter: what is set, and what to look at. */
export const PRESETS = {
  right: { label: "as it should be", set: {}, says: "" },
  epsilon: {
    label: "ε = 1",
    set: { constraint: "gp", epsilon: "one" },
    says: "The penalty looks at real points only. Watch the gradient lengths between the clouds, where nothing is asked of them.",
  },
  weightless: {
    label: "λ = 0",
    set: { constraint: "gp", weight: 0 },
    says: "A penalty that costs nothing. After some hundred rounds the estimate leaves the scale: nothing holds the critic's slope.",
  },
  loose: {
    label: "clip too large",
    set: { constraint: "clip", bound: 1 },
    says: "Weights within ±1 bound almost nothing: the estimate is several times W₁ and jumps, and so does the length of the gradient.",
  },
  coupled: {
    label: "batch norm in the critic",
    set: { constraint: "gp", batchNorm: true },
    says: "A score depends on the rest of the batch, so the penalty is not about one sample any more. The estimate stays near 0 while the points are still far from the data.",
  },
};

const SIDE = 100;
const EXTENT = 3;
const NUMBERS = {
  weight: [0, 100], bound: [0.001, 10], criticSteps: [1, 20], rate: [1e-5, 0.1], hidden: [4, 128], batch: [16, 512],
  seed: [0, 1e9],
};
const WHOLE = new Set(["criticSteps", "hidden", "batch", "seed"]);

const encodePoint = ([x, y]) =>
  [x, y].map((value) => String(Math.round(((value + EXTENT) / (2 * EXTENT)) * (SIDE - 1))).padStart(2, "0")).join("");
const decodePoint = (text) =>
  [text.slice(0, 2), text.slice(2)].map((part) => (Number(part) / (SIDE - 1)) * 2 * EXTENT - EXTENT);

/** The query of a link that restores these settings; only what differs from the start is in it. */
export function toQuery(settings) {
  const query = new URLSearchParams({ playground: "1" });
  for (const [key, value] of Object.entries(settings)) {
    if (key === "drawn") value.length && query.set(key, value.map(encodePoint).join(""));
    else if (value !== START[key]) query.set(key, String(value));
  }
  return query.toString();
}

/** The settings that a query asks for; whatever it has no business to say is passed over. */
export function fromQuery(text) {
  const query = new URLSearchParams(text);
  const settings = { ...START };
  if (Object.hasOwn(DATA, query.get("data") ?? "")) settings.data = query.get("data");
  if (Object.hasOwn(CONSTRAINTS, query.get("constraint") ?? "")) settings.constraint = query.get("constraint");
  if (query.get("epsilon") === "one") settings.epsilon = "one";
  if (query.get("batchNorm") === "true") settings.batchNorm = true;
  for (const [key, [low, high]] of Object.entries(NUMBERS)) {
    const value = Number(query.get(key) ?? NaN);
    if (value >= low && value <= high) settings[key] = WHOLE.has(key) ? Math.round(value) : value;
  }
  settings.drawn = (query.get("drawn")?.match(/\d{4}/g) ?? []).slice(0, 200).map(decodePoint);
  return settings;
}
