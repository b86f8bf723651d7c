// What part of the map is seen: a centre in the map's own units and how many pixels one unit is.

const PADDING = 24;
export const MOST_ZOOM = 80;
const LEAST_ZOOM = 0.7;
const STEP_MS = 160;

export class View {
  constructor(points, changed) {
    this.points = points;
    this.changed = changed;
    this.width = 1;
    this.height = 1;
    this.zoom = 1;
    this.x = points.width / 2;
    this.y = points.height / 2;
  }

  /** Pixels of one unit. */
  get scale() {
    const { width, height } = this.points;
    const fit = Math.min((this.width - 2 * PADDING) / width, (this.height - 2 * PADDING) / height);
    return Math.max(1, fit) * this.zoom;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.changed();
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }

  toMap(left, top) {
    return [(left - this.width / 2) / this.scale + this.x, (top - this.height / 2) / this.scale + this.y];
  }

  /** The visible rectangle: left, top, right, bottom. */
  get bounds() {
    return [...this.toMap(0, 0), ...this.toMap(this.width, this.height)];
  }

  moveTo(x, y, zoom = this.zoom) {
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
    // The centre stays on the map, so that nobody gets lost beside it.
    this.x = Math.min(this.points.width, Math.max(0, x));
    this.y = Math.min(this.points.height, Math.max(0, y));
    this.changed();
  }

  pan(dx, dy) {
    this.moveTo(this.x - dx / this.scale, this.y - dy / this.scale);
  }

  /** Zoom by a factor, what is under (left, top) staying there. */
  zoomAt(left, top, factor) {
    const [x, y] = this.toMap(left, top);
    const before = this.zoom;
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * factor));
    if (this.zoom === before) return;
    this.moveTo(x - (left - this.width / 2) / this.scale, y - (top - this.height / 2) / this.scale);
  }

  /** Zoom by a factor around the middle, in a short glide. */
  glide(factor) {
    this.glideTo(this.x, this.y, this.zoom * factor);
  }

  fit() {
    this.glideTo(this.points.width / 2, this.points.height / 2, 1);
  }

  glideTo(x, y, zoom) {
    cancelAnimationFrame(this.gliding);
    const from = { x: this.x, y: this.y, zoom: this.zoom };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.moveTo(x, y, zoom);
      return;
    }
    const began = performance.now();
    const step = (now) => {
      const part = Math.min(1, Math.max(0, (now - began) / STEP_MS));
      const eased = part * (2 - part);
      this.moveTo(
        from.x + (x - from.x) * eased,
        from.y + (y - from.y) * eased,
        from.zoom * (zoom / from.zoom) ** eased,
      );
      if (part < 1) this.gliding = requestAnimationFrame(step);
    };
    this.gliding = requestAnimationFrame(step);
  }

  /** "x,y,zoom" for the address, and back. */
  toString() {
    return [this.x.toFixed(4), this.y.toFixed(4), this.zoom.toFixed(2)].join(",");
  }

  read(text) {
    const numbers = text.split(",").map(Number);
    if (numbers.length === 3 && numbers.every(Number.isFinite)) this.moveTo(...numbers);
  }
}
