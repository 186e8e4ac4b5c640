/* Pictures of functions on a square grid: colours between three anchors, and level lines by marching squares. */

/** Line pieces [x0, y0, x1, y1] in grid units along which the values are equal to `level`. */
export function levelLines(values, side, level) {
  const pieces = [];
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      const heights = corners.map(([x, y]) => values[y * side + x] - level);
      const crossings = [];
      for (let edge = 0; edge < 4; edge++) {
        const [a, b] = [heights[edge], heights[(edge + 1) % 4]];
        if (a < 0 === b < 0) continue;
        const [p, q] = [corners[edge], corners[(edge + 1) % 4]];
        const part = a / (a - b);
        crossings.push([p[0] + part * (q[0] - p[0]), p[1] + part * (q[1] - p[1])]);
      }
      for (let i = 0; i + 1 < crossings.length; i += 2) pieces.push([...crossings[i], ...crossings[i + 1]]);
    }
  }
  return pieces;
}

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** A colour between hexadecimal anchors, at a place from 0 to 1. */
export function ramp(anchors) {
  const stops = anchors.map(channels);
  return (place) => {
    const at = Math.min(1, Math.max(0, place || 0)) * (stops.length - 1);
    const left = Math.min(stops.length - 2, Math.floor(at));
    return stops[left].map((value, i) => Math.round(value + (at - left) * (stops[left + 1][i] - value)));
  };
}

/** Paint values (lowest row first) over a canvas, smoothly. */
export function paint(context, size, values, side, place, colour) {
  const image = new ImageData(side, side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const rgb = colour(place(values[row * side + column]));
      image.data.set([...rgb, 255], 4 * ((side - 1 - row) * side + column));
    }
  }
  const small = new OffscreenCanvas(side, side);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  const cell = size / (side - 1); // the outer half of the outer cells lies outside
  context.drawImage(small, -cell / 2, -cell / 2, size + cell, size + cell);
}
