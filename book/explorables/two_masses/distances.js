/*
 * Two masses on a line, at 0 and at θ, equal boxes of width w or, with w = 0, points.
 *
 * Boxes overlap by the share o = max(0, 1 − |θ|/w). With points o is 1 at θ = 0 and 0 elsewhere. Then TV = 1 − o,
 * JS = (1 − o) log 2, KL = 0 or ∞, and W₁ = |θ|: every point moves by θ (proposition prop-js-disjoint of chapter 1).
 */

/** The share of each mass that lies in the other. */
export const overlap = (theta, width) => (width > 0 ? Math.max(0, 1 - Math.abs(theta) / width) : Number(theta === 0));

const MEASURES = {
  js: { value: (theta, width) => Math.LN2 * (1 - overlap(theta, width)), height: Math.LN2 },
  tv: { value: (theta, width) => 1 - overlap(theta, width), height: 1 },
};

/** The four values at θ. */
export const values = (theta, width) => ({
  js: MEASURES.js.value(theta, width),
  kl: theta === 0 ? 0 : Infinity,
  tv: MEASURES.tv.value(theta, width),
  w1: Math.abs(theta),
});

/** Their derivatives in θ; NaN where there is none (a kink or a jump), or where the value is infinite. */
export function slopes(theta, width) {
  const away = Math.abs(theta);
  const side = Math.sign(theta);
  const bounded = ({ height }) => {
    if (theta === 0 || (width > 0 && Math.abs(away - width) < 1e-12)) return NaN;
    return away < width ? (side * height) / width : 0;
  };
  return { js: bounded(MEASURES.js), kl: NaN, tv: bounded(MEASURES.tv), w1: theta === 0 ? NaN : side };
}
