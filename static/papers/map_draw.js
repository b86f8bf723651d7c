// Drawing the map: the marks as pixels (map_pixels.js), over them rings, titles and what is pointed at.
import { Picture, pixelOf, Sprite } from "./map_pixels.js";

const COLOURS = 8;
const SHAPES = 4; // circle, square, triangle, diamond: colours repeat, colour and shape together do not
export const MARKS = COLOURS * SHAPES;
const NONE = MARKS; // of papers without a group
const MOST_LABELS = 60;
const LABEL_LENGTH = 44; // letters, on a wide screen
const FAINT = 0.2; // of what steps back

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
    this.ratio = 1;
    this.inView = { count: 0, index: new Int32Array(0), x: new Float32Array(0), y: new Float32Array(0) };
    this.setColours(colours);
    this.resize(1, 1, 1);
  }

  resize(width, height, ratio) {
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.picture = new Picture(this.canvas.width, this.canvas.height);
    this.sprites = new Map();
  }

  setColours(colours) {
    this.colours = colours;
    this.background = pixelOf(colours.paper);
    this.sprites = new Map();
  }

  /** Radius of a mark in pixels: small enough for the whole map, larger when there is room. */
  radius(view, count) {
    const room = Math.sqrt((view.width * view.height) / Math.max(count, 1));
    const radius = Math.min(8, Math.max(2, room * 0.22) * Math.max(1, view.zoom) ** 0.4);
    return Math.round(radius * 4) / 4; // so that few sizes are drawn while zooming
  }

  sprite(mark, hollow, faint, radius) {
    const key = (radius * 4 * (MARKS + 1) + mark) * 4 + 2 * hollow + faint;
    let sprite = this.sprites.get(key);
    if (!sprite) {
      const size = radius * this.ratio;
      const paint = (context, x, y) => drawMark(context, this.colours, mark, x, y, size, Boolean(hollow));
      sprite = new Sprite(size * 1.3, paint, faint ? FAINT : 1);
      this.sprites.set(key, sprite);
    }
    return sprite;
  }

  /**
   * The whole picture. `state`: shown, lit, visited, bookmarked (bytes for each point), dimming (whether what is not lit
   * steps back), pointed (a point or -1), box (a rectangle being drawn, in pixels, or null).
   */
  draw(view, points, state) {
    const { context, ratio } = this;
    const radius = this.radius(view, points.count);
    this.look(view, points, state, radius * 1.5 * ratio);
    this.picture.clear(this.background);
    if (state.dimming) this.marks(points, state, radius, 0, 1);
    this.marks(points, state, radius, state.dimming ? 1 : -1, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(this.picture.data, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.stars(state, radius);
    if (points.titles) this.labels(points, state, radius);
    if (state.pointed >= 0) this.point(view, points, state.pointed, radius);
    if (state.box) this.box(state.box);
  }

  /** Notes the shown points in the window and where they are, in device pixels. */
  look(view, points, state, margin) {
    const { x, y, count } = points;
    const { inView } = this;
    if (inView.index.length < count) {
      Object.assign(inView, { index: new Int32Array(count), x: new Float32Array(count), y: new Float32Array(count) });
    }
    const scale = view.scale * this.ratio;
    const left = this.canvas.width / 2 - view.x * scale;
    const top = this.canvas.height / 2 - view.y * scale;
    const right = this.canvas.width + margin;
    const bottom = this.canvas.height + margin;
    inView.count = 0;
    for (let i = 0; i < count; i++) {
      if (!state.shown[i]) continue;
      const px = x[i] * scale + left;
      const py = y[i] * scale + top;
      if (px <= -margin || py <= -margin || px >= right || py >= bottom) continue;
      inView.index[inView.count] = i;
      inView.x[inView.count] = px;
      inView.y[inView.count++] = py;
    }
  }

  /** The marks of points whose `lit` is `wanted` (-1: of all). */
  marks(points, state, radius, wanted, faint) {
    const { inView, picture } = this;
    const kinds = Array.from({ length: 2 * (MARKS + 1) }, () => null);
    for (let n = 0; n < inView.count; n++) {
      const i = inView.index[n];
      if (wanted >= 0 && state.lit[i] !== wanted) continue;
      const mark = markOf(points.group[i]);
      const kind = 2 * mark + state.visited[i];
      kinds[kind] ??= this.sprite(mark, state.visited[i], faint, radius);
      picture.put(kinds[kind], Math.floor(inView.x[n]), Math.floor(inView.y[n]));
    }
  }

  stars(state, radius) {
    const { context, inView, ratio } = this;
    context.strokeStyle = this.colours.star;
    context.lineWidth = 2;
    for (let n = 0; n < inView.count; n++) {
      if (!state.bookmarked[inView.index[n]]) continue;
      context.beginPath();
      context.arc(inView.x[n] / ratio, inView.y[n] / ratio, radius + 3, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /** Titles beside the points once few are in view, none over another. */
  labels(points, state, radius) {
    const { context, inView, ratio } = this;
    if (inView.count === 0 || inView.count > MOST_LABELS) return;
    context.font = `13px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = this.colours.paper;
    context.fillStyle = this.colours.ink;
    const most = Math.min(LABEL_LENGTH, Math.round(this.canvas.width / ratio / 14));
    const taken = [];
    for (let n = 0; n < inView.count; n++) {
      const i = inView.index[n];
      if (state.dimming && !state.lit[i]) continue;
      const title = points.title(i);
      const text = title.length > most ? `${title.slice(0, most - 1).trimEnd()}…` : title;
      const width = context.measureText(text).width;
      const y = inView.y[n] / ratio;
      const away = inView.x[n] / ratio;
      // To the right of its point, else to the left, else not at all.
      const x = [away + radius + 5, away - radius - 5 - width].find(
        (left) =>
          left > 2 &&
          left + width < this.canvas.width / ratio - 2 &&
          !taken.some(([from, top, to]) => Math.abs(top - y) < 17 && left < to + 6 && left + width > from - 6) &&
          !this.coversMark(n, left - 4, y, left + width + 4, radius),
      );
      if (x === undefined) continue;
      taken.push([x, y, x + width]);
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  /** Whether a line of text would lie over another point than its own. */
  coversMark(own, left, y, right, radius) {
    const { inView, ratio } = this;
    for (let n = 0; n < inView.count; n++) {
      const px = inView.x[n] / ratio;
      if (n !== own && Math.abs(inView.y[n] / ratio - y) < radius + 8 && px > left && px < right) return true;
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
