/* The distributions of `wgan_course.data.toy`, in the plane, and points that a reader draws. */

const TAU = 2 * Math.PI;

function mixture(modes, std) {
  return {
    modes,
    std,
    draw(random) {
      const [x, y] = modes[Math.floor(random.uniform() * modes.length)];
      return [x + std * random.normal(), y + std * random.normal()];
    },
  };
}

function curve(place, noise) {
  return {
    modes: [],
    draw(random) {
      const [x, y] = place(random.uniform());
      return [x + noise * random.normal(), y + noise * random.normal()];
    },
  };
}

export const ring = (number, radius) =>
  Array.from({ length: number }, (_, i) => [radius * Math.cos((TAU * i) / number), radius * Math.sin((TAU * i) / number)]);

const grid = (side, spacing) =>
  Array.from({ length: side * side }, (_, i) =>
    [Math.floor(i / side), i % side].map((place) => spacing * (place - (side - 1) / 2)));

export function roll(place) {
  const angle = 1.5 * Math.PI * (1 + 2 * place);
  return [(angle * Math.cos(angle)) / 7.5, (angle * Math.sin(angle)) / 7.5];
}

export function moon(place) {
  const angle = TAU * place;
  if (place < 0.5) return [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25];
  return [0.5 - Math.cos(angle - Math.PI), 0.25 - Math.sin(angle - Math.PI)];
}

const MAKERS = {
  "eight-gaussians": () => mixture(ring(8, 2), 0.05),
  "twenty-five-gaussians": () => mixture(grid(5, 1), 0.05),
  "swiss-roll": () => curve(roll, 0.03),
  "two-moons": () => curve(moon, 0.05),
};

export const NAMES = Object.keys(MAKERS);

/** A distribution by name; "drawn" takes its points, each with a little noise around it. */
export const distribution = (name, drawn = []) =>
  name === "drawn" ? { ...mixture(drawn.length ? drawn : [[0, 0]], 0.05), modes: [] } : MAKERS[name]();

/** n points, as x0, y0, x1, y1, … */
export function sample(source, n, random) {
  const points = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) points.set(source.draw(random), 2 * i);
  return points;
}

/** How many modes have at least a tenth of their share of the points within four standard deviations. */
export function coveredModes({ modes, std }, points) {
  const n = points.length / 2;
  const near = ([x, y]) => {
    let hits = 0;
    for (let i = 0; i < n; i++) hits += Math.hypot(points[2 * i] - x, points[2 * i + 1] - y) < 4 * std ? 1 : 0;
    return hits;
  };
  return modes.filter((mode) => near(mode) >= (0.1 * n) / modes.length).length;
}
