/* Exact W₁ between two clouds of n points each: the cheapest assignment, by shortest augmenting paths. */

/** Distances between all pairs of points of the plane, n × n. */
export function distances(a, b) {
  const n = a.length / 2;
  const cost = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) cost[i * n + j] = Math.hypot(a[2 * i] - b[2 * j], a[2 * i + 1] - b[2 * j + 1]);
  }
  return cost;
}

/** `partner[i]` is the column that row i goes to; `mean` the mean cost, which is W₁ of two clouds with equal weights. */
export function assign(cost, n) {
  const rowPrice = new Float64Array(n + 1);
  const columnPrice = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1); // of a column; columns and rows count from 1, 0 means none
  const before = new Int32Array(n + 1);
  const shortest = new Float64Array(n + 1);
  const done = new Uint8Array(n + 1);
  for (let row = 1; row <= n; row++) {
    rowOf[0] = row;
    shortest.fill(Infinity);
    done.fill(0);
    let column = 0;
    do {
      done[column] = 1;
      const from = rowOf[column];
      let step = Infinity;
      let next = 0;
      for (let j = 1; j <= n; j++) {
        if (done[j]) continue;
        const reduced = cost[(from - 1) * n + j - 1] - rowPrice[from] - columnPrice[j];
        if (reduced < shortest[j]) {
          shortest[j] = reduced;
          before[j] = column;
        }
        if (shortest[j] < step) {
          step = shortest[j];
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j]) {
          rowPrice[rowOf[j]] += step;
          columnPrice[j] -= step;
        } else shortest[j] -= step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    for (; column; column = before[column]) rowOf[column] = rowOf[before[column]];
  }
  const partner = new Int32Array(n);
  let total = 0;
  for (let j = 1; j <= n; j++) {
    partner[rowOf[j] - 1] = j - 1;
    total += cost[(rowOf[j] - 1) * n + j - 1];
  }
  return { partner, mean: total / n };
}
