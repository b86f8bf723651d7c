// Drawing the map. Each kind of mark is drawn once into an atlas and copied from there: ten thousand copies are quick.

const COLOURS = 8;
const SHAPES = 4; // circle, square, triangle, diamond: colours repeat, colour and shape together do not
export const MARKS = COLOURS * SHAPES;
const NONE = MARKS; // of papers without a group
const MOST_LABELS = 40;
const LABEL_LENGTH = 44;

/** Path of a mark of a radius around a place. */
function trace(context, shape, x, y, radius) {
  context.beginPath();
  if (shape === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
  else if (shape === 1) context.rect(x - radius * 0.88, y - radius * 0.88, radius * 1.76, radius * 1.76);
  else {
    const [turn, corners, far] = shape === 2 ? [-Math.PI / 2, 3, 1.3] : [0, 4, 1.2];
    for (let n = 0; n < corners; n++) {
      const angle = turn + (n * 2 * Math.PI) / corners;
      context.lineTo(x + Math.cos(angle) * radius * far, y + Math.sin(angle) * radius * far);
    }
    context.closePath();
  }
}

/** The colours of the style sheet as the theme of the moment has them. `probes` holds an element for each. */
export function readColours(probes) {
  const colour = (name) => getComputedStyle(probes.querySelector(`.map-${name}`)).color;
  return {
    marks: Array.from({ length: COLOURS }, (_, n) => colour(`colour-${n}`)),
    none: colour("colour-none"),
    ink: colour("ink"),
    paper: colour("paper"),
    star: colour("star"),
  };
}

export function drawMark(context, colours, mark, x, y, radius, hollow = false) {
  trace(context, mark === NONE ? 0 : Math.floor(mark / COLOURS), x, y, hollow ? radius * 0.8 : radius);
  const colour = mark === NONE ? colours.none : colours.marks[mark % COLOURS];
  if (hollow) {
    context.fillStyle = colours.paper;
    context.fill();
    context.strokeStyle = colour;
    context.lineWidth = Math.max(1, radius * 0.45);
    context.stroke();
  } else {
    context.fillStyle = colour;
    context.fill();
  }
}

export const markOf = (group) => (group < 0 ? NONE : group % MARKS);

export class Painter {
  constructor(canvas, colours) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.colours = colours;
    this.ratio = 1;
    this.atlas = document.createElement("canvas");
    this.atlasFor = "";
  }

  resize(width, height, ratio) {
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  setColours(colours) {
    this.colours = colours;
    this.atlasFor = "";
  }

  /** Radius of a mark in pixels: small enough for the whole map, larger when there is room. */
  radius(view, count) {
    const room = Math.sqrt((view.width * view.height) / Math.max(count, 1));
    return Math.min(8, Math.max(2, room * 0.22) * Math.max(1, view.zoom) ** 0.4);
  }

  prepareAtlas(radius) {
    const size = Math.ceil(radius * 1.3 * this.ratio) * 2 + 2;
    if (this.atlasFor === String(size)) return size;
    this.atlas.width = size * (MARKS + 1);
    this.atlas.height = size * 2;
    const context = this.atlas.getContext("2d");
    for (let mark = 0; mark <= MARKS; mark++) {
      const x = (mark + 0.5) * size;
      drawMark(context, this.colours, mark, x, size / 2, radius * this.ratio);
      drawMark(context, this.colours, mark, x, size * 1.5, radius * this.ratio, true);
    }
    this.atlasFor = String(size);
    return size;
  }

  /**
   * The whole picture. `state`: shown, lit, visited, bookmarked (bytes for each point), dimming (whether what is not lit
   * steps back), pointed (a point or -1), box (a rectangle being drawn, in pixels, or null).
   */
  draw(view, points, state) {
    const { context, ratio } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const radius = this.radius(view, points.count);
    const size = this.prepareAtlas(radius);
    const inView = this.visible(view, points, state, size);
    if (state.dimming) {
      context.globalAlpha = 0.22;
      this.copy(inView, points, state, size, (i) => !state.lit[i]);
      context.globalAlpha = 1;
      this.copy(inView, points, state, size, (i) => state.lit[i]);
    } else {
      context.globalAlpha = 0.9;
      this.copy(inView, points, state, size, () => true);
      context.globalAlpha = 1;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.stars(inView, state, radius);
    if (points.titles) this.labels(inView, points, state, radius);
    if (state.pointed >= 0) this.point(view, points, state.pointed, radius);
    if (state.box) this.box(state.box);
  }

  /** Shown points in the window: [index, left, top] in device pixels, flat. */
  visible(view, points, state, margin) {
    const scale = view.scale * this.ratio;
    const left = this.canvas.width / 2 - view.x * scale;
    const top = this.canvas.height / 2 - view.y * scale;
    const found = [];
    const { x, y, count } = points;
    for (let i = 0; i < count; i++) {
      if (!state.shown[i]) continue;
      const px = x[i] * scale + left;
      const py = y[i] * scale + top;
      if (px > -margin && py > -margin && px < this.canvas.width + margin && py < this.canvas.height + margin) {
        found.push(i, px, py);
      }
    }
    return found;
  }

  copy(inView, points, state, size, wanted) {
    const { context, atlas } = this;
    const half = size / 2;
    for (let n = 0; n < inView.length; n += 3) {
      const i = inView[n];
      if (!wanted(i)) continue;
      const column = markOf(points.group[i]) * size;
      const row = state.visited[i] ? size : 0;
      const left = Math.round(inView[n + 1] - half);
      const top = Math.round(inView[n + 2] - half);
      context.drawImage(atlas, column, row, size, size, left, top, size, size);
    }
  }

  stars(inView, state, radius) {
    const { context, ratio } = this;
    context.strokeStyle = this.colours.star;
    context.lineWidth = 2;
    for (let n = 0; n < inView.length; n += 3) {
      if (!state.bookmarked[inView[n]]) continue;
      context.beginPath();
      context.arc(inView[n + 1] / ratio, inView[n + 2] / ratio, radius + 3, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /** Titles beside the points once few are in view, none over another. */
  labels(inView, points, state, radius) {
    if (inView.length === 0 || inView.length > 3 * MOST_LABELS) return;
    const { context, ratio } = this;
    context.font = `13px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = this.colours.paper;
    context.fillStyle = this.colours.ink;
    const taken = [];
    for (let n = 0; n < inView.length; n += 3) {
      const i = inView[n];
      if (state.dimming && !state.lit[i]) continue;
      const title = points.title(i);
      const text = title.length > LABEL_LENGTH ? `${title.slice(0, LABEL_LENGTH - 1).trimEnd()}…` : title;
      const width = context.measureText(text).width;
      const y = inView[n + 2] / ratio;
      let x = inView[n + 1] / ratio + radius + 5;
      if (x + width > this.canvas.width / ratio) x = inView[n + 1] / ratio - radius - 5 - width;
      if (taken.some(([left, top, right]) => Math.abs(top - y) < 17 && x < right + 6 && x + width > left - 6)) continue;
      if (this.coversMark(inView, n, x - 4, y, x + width + 4, radius)) continue;
      taken.push([x, y, x + width]);
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  /** Whether a line of text would lie over another point than its own. */
  coversMark(inView, own, left, y, right, radius) {
    for (let n = 0; n < inView.length; n += 3) {
      const px = inView[n + 1] / this.ratio;
      if (n !== own && Math.abs(inView[n + 2] / this.ratio - y) < radius + 8 && px > left && px < right) return true;
    }
    return false;
  }

  point(view, points, i, radius) {
    const { context } = this;
    const [x, y] = view.toScreen(points.x[i], points.y[i]);
    drawMark(context, this.colours, markOf(points.group[i]), x, y, radius + 2);
    context.strokeStyle = this.colours.ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, radius + 5, 0, 2 * Math.PI);
    context.stroke();
  }

  box([x, y, right, bottom]) {
    const { context } = this;
    context.strokeStyle = this.colours.ink;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.strokeRect(x, y, right - x, bottom - y);
    context.setLineDash([]);
    context.globalAlpha = 0.08;
    context.fillStyle = this.colours.ink;
    context.fillRect(x, y, right - x, bottom - y);
    context.globalAlpha = 1;
  }
}
