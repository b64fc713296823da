// From one map to the next without squashing: each cluster moves as a whole and turns, rather than each sample on a
// straight line, which passes through a collapse where a cluster is turned or mirrored.

const MOVING = 0.3; // the share of the way in which a sample of a mirrored cluster changes sides; they start one by one

// The samples of each cluster: a class, where there are labels; else a square of the first map.
const clusterOf = labels ?? gridCells(runs[0].layers[0]);

function gridCells({ x, y }) {
  const square = squareAround(x, y), side = 4;
  const cell = (value, middle) => Math.min(side - 1, Math.max(0, Math.floor(side * ((value - middle) / (2 * square.half) + 0.5))));
  return Int16Array.from(x, (_, row) => cell(x[row], square.x) * side + cell(y[row], square.y));
}

// A square about all points, with a margin: the same scale for both axes.
function squareAround(xs, ys) {
  const ends = [xs, ys].map((values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]));
  const [x, y] = ends.map(([low, high]) => (low + high) / 2);
  const half = 0.53 * Math.max(...ends.map(([low, high]) => high - low)) || 1;
  return { x, y, half };
}

// How each cluster gets from one map to another: its middles, the angle of the best rotation, whether it is mirrored.
function turns(from, to) {
  const size = clusterOf.reduce((most, cluster) => Math.max(most, cluster), 0) + 1;
  const found = Array.from({ length: size }, () => ({ count: 0, ax: 0, ay: 0, bx: 0, by: 0, cos: 0, sin: 0, cosMirror: 0, sinMirror: 0 }));
  for (let row = 0; row < count; row++) {
    const each = found[clusterOf[row]];
    each.count++;
    each.ax += from.x[row]; each.ay += from.y[row]; each.bx += to.x[row]; each.by += to.y[row];
  }
  for (const each of found) for (const name of ["ax", "ay", "bx", "by"]) each[name] /= each.count || 1;
  for (let row = 0; row < count; row++) {
    const each = found[clusterOf[row]];
    const ax = from.x[row] - each.ax, ay = from.y[row] - each.ay, bx = to.x[row] - each.bx, by = to.y[row] - each.by;
    each.cos += ax * bx + ay * by; each.sin += ax * by - ay * bx;
    each.cosMirror += ax * bx - ay * by; each.sinMirror += ax * by + ay * bx;
  }
  for (const each of found) {
    each.angle = Math.atan2(each.sin, each.cos);
    each.mirrored = Math.hypot(each.cosMirror, each.sinMirror) > Math.hypot(each.cos, each.sin);
    each.cosBack = Math.cos(each.angle); each.sinBack = Math.sin(each.angle);
  }
  return found;
}

const turnsKept = new Map();

function turnsBetween(from, to) {
  if (!turnsKept.has(from)) turnsKept.set(from, new Map());
  const kept = turnsKept.get(from);
  if (!kept.has(to)) kept.set(to, turns(from, to));
  return kept.get(to);
}

// When a sample of a mirrored cluster starts: spread evenly by its row (the golden ratio's multiples).
function startOf(row) {
  return ((row * 0.6180339887) % 1) * (1 - MOVING);
}

// The places at a share of the way from one map to another: those of `from` at 0, of `to` at 1.
function between(from, to, share) {
  if (share === 0 || from === to) return { x: from.x, y: from.y };
  const x = new Float32Array(count), y = new Float32Array(count);
  const ways = turnsBetween(from, to).map((each) => (
    { ...each, x: each.ax + share * (each.bx - each.ax), y: each.ay + share * (each.by - each.ay),
      cosNow: Math.cos(share * each.angle), sinNow: Math.sin(share * each.angle) }));
  for (let row = 0; row < count; row++) {
    const way = ways[clusterOf[row]];
    const own = way.mirrored ? Math.min(1, Math.max(0, (share - startOf(row)) / MOVING)) : share;
    const ax = from.x[row] - way.ax, ay = from.y[row] - way.ay, bx = to.x[row] - way.bx, by = to.y[row] - way.by;
    // The end, turned back to how the cluster lies at the start; there the sample goes straight.
    const u = ax + own * (bx * way.cosBack + by * way.sinBack - ax), v = ay + own * (by * way.cosBack - bx * way.sinBack - ay);
    x[row] = way.x + u * way.cosNow - v * way.sinNow;
    y[row] = way.y + u * way.sinNow + v * way.cosNow;
  }
  return { x, y };
}
