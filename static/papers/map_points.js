// The points of the map: fetched, kept apart, and found again by place.

/** The two documents of the server as one object of columns. `x` and `y` run from 0 to 1 in the longer direction. */
export class Points {
  constructor(document) {
    const { uids, x, y, group, groups, grouped_by: groupedBy, side, version } = document;
    Object.assign(this, { uids, groups, groupedBy, version, count: uids.length });
    this.group = Int16Array.from(group);
    this.x = Float32Array.from(x, (value) => value / side);
    this.y = Float32Array.from(y, (value) => value / side);
    this.index = new Map(uids.map((uid, i) => [uid, i]));
    this.titles = null; // until the second document is there
    this.authors = null;
    this.keywords = [];
    this.paperKeywords = null;
    separate(this.x, this.y, this.count);
    const reach = (values) => values.reduce((most, value) => Math.max(most, value), 0);
    this.width = reach(this.x) || 1;
    this.height = reach(this.y) || 1;
    this.grid = new Grid(this.x, this.y, this.count);
  }

  addTitles(document) {
    this.titles = document.titles;
    this.authors = document.authors;
    this.keywords = document.keywords;
    this.paperKeywords = document.paper_keywords;
  }

  title(i) {
    return this.titles?.[i] ?? "…";
  }

  groupName(i) {
    return this.groups[this.group[i]] ?? "";
  }
}

async function getJson(url) {
  if (globalThis.frozen) return globalThis.frozen.documents[url];
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}

/** Ids of the papers that the list would find for `text`, the most relevant first, and how many there are. */
export async function findPapers(url, text) {
  if (globalThis.frozen) {
    const uids = globalThis.frozen.search(text) ?? [];
    return { uids, count: uids.length };
  }
  return getJson(`${url}?${new URLSearchParams({ search: text })}`);
}

/** The points, without titles. */
export async function loadPoints(url) {
  return new Points(await getJson(url));
}

/** Adds titles, authors and keywords; false when papers came or went since the points were asked for. */
export async function loadTitles(points, url) {
  const document = await getJson(url);
  if (document.version !== points.version) return false;
  points.addTitles(document);
  return true;
}

const LEAST_DISTANCE = 0.0007; // at the closest zoom some 40 pixels
const ROUNDS = 12;
const GOLDEN_ANGLE = 2.399963;

/** Push points that lie on or nearly on each other apart, always the same way; all others stay where they are. */
export function separate(x, y, count) {
  for (let round = 0; round < ROUNDS; round++) {
    const cells = new Map();
    let moved = false;
    for (let i = 0; i < count; i++) {
      const column = Math.floor(x[i] / LEAST_DISTANCE);
      const row = Math.floor(y[i] / LEAST_DISTANCE);
      for (let c = column - 1; c <= column + 1; c++) {
        for (let r = row - 1; r <= row + 1; r++) {
          for (const j of cells.get(c * 1e6 + r) ?? []) moved = push(x, y, j, i) || moved;
        }
      }
      const key = Math.floor(x[i] / LEAST_DISTANCE) * 1e6 + Math.floor(y[i] / LEAST_DISTANCE);
      const cell = cells.get(key);
      if (cell) cell.push(i);
      else cells.set(key, [i]);
    }
    if (!moved) return;
  }
}

function push(x, y, fixed, i) {
  let dx = x[i] - x[fixed];
  let dy = y[i] - y[fixed];
  let distance = Math.hypot(dx, dy);
  if (distance >= LEAST_DISTANCE * 0.98) return false;
  if (distance < 1e-7) {
    // Exactly on each other: each further one in another direction.
    dx = Math.cos(i * GOLDEN_ANGLE);
    dy = Math.sin(i * GOLDEN_ANGLE);
    distance = 1;
  }
  x[i] = Math.max(0, x[fixed] + (dx / distance) * LEAST_DISTANCE);
  y[i] = Math.max(0, y[fixed] + (dy / distance) * LEAST_DISTANCE);
  return true;
}

/** Points sorted into square cells, so that a look at a few of them answers what is near a place. */
export class Grid {
  constructor(x, y, count) {
    this.x = x;
    this.y = y;
    this.side = Math.max(1, Math.ceil(Math.sqrt(count / 2)));
    this.starts = new Int32Array(this.side * this.side + 1);
    for (let i = 0; i < count; i++) this.starts[this.cell(x[i], y[i]) + 1]++;
    for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1] += this.starts[c];
    this.order = new Int32Array(count);
    const next = this.starts.slice();
    for (let i = 0; i < count; i++) this.order[next[this.cell(x[i], y[i])]++] = i;
  }

  line(value) {
    return Math.min(this.side - 1, Math.max(0, Math.floor(value * this.side)));
  }

  cell(x, y) {
    return this.line(y) * this.side + this.line(x);
  }

  /** All points in a rectangle, in no particular order. */
  within(left, top, right, bottom) {
    const found = [];
    for (let row = this.line(top); row <= this.line(bottom); row++) {
      const first = this.starts[row * this.side + this.line(left)];
      const last = this.starts[row * this.side + this.line(right) + 1];
      for (let n = first; n < last; n++) {
        const i = this.order[n];
        if (this.x[i] >= left && this.x[i] <= right && this.y[i] >= top && this.y[i] <= bottom) found.push(i);
      }
    }
    return found;
  }

  /** The point nearest to a place, not farther away than `reach` and taken by `accept`; -1 when there is none. */
  nearest(x, y, reach, accept) {
    let best = -1;
    let least = reach * reach;
    for (const i of this.within(x - reach, y - reach, x + reach, y + reach)) {
      const distance = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (distance <= least && accept(i)) {
        least = distance;
        best = i;
      }
    }
    return best;
  }
}
