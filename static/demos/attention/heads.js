// All layers and heads at once, small; a click opens one.

import { colour, onColours, oncePerFrame, prepare, rgba } from "./canvas.js";

const GAP = 4;
const LABEL = 26;

export class Heads {
  /** @param {(layer: number, head: number, open: boolean) => void} onHead */
  constructor(root, state, onHead) {
    this.root = root;
    this.state = state;
    this.onHead = onHead;
    this.canvas = root.querySelector("canvas");
    this.at = null;
    this.draw = oncePerFrame(() => this.#draw());
    onColours(() => this.refresh());
    new ResizeObserver(() => this.draw()).observe(root);
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => this.#set(null));
    this.canvas.addEventListener("click", () => this.at && onHead(...this.at, true));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  refresh() {
    this.images = null;
    this.draw();
  }

  #paint() {
    const { small, view } = this.state;
    const ink = colour(this.root, "--accent");
    this.images = [];
    const size = small.rows * small.columns;
    for (let one = 0; one < view.layers.length * view.heads; one++) {
      const image = new ImageData(small.columns, small.rows);
      for (let i = 0; i < size; i++) {
        image.data.set(ink, 4 * i);
        image.data[4 * i + 3] = Math.sqrt(small.weights[one * size + i] / 255) * 255;
      }
      const canvas = document.createElement("canvas");
      canvas.width = small.columns;
      canvas.height = small.rows;
      canvas.getContext("2d").putImageData(image, 0, 0);
      this.images.push(canvas);
    }
  }

  #draw() {
    const { small, view } = this.state;
    if (!small || this.root.hidden || !this.root.clientWidth) return;
    if (!this.images) this.#paint();
    const side = Math.max(14, Math.min(96, (Math.min(this.root.clientWidth, 900) - LABEL) / view.heads - GAP));
    this.side = side;
    const context = prepare(this.canvas, LABEL + view.heads * (side + GAP), LABEL + view.layers.length * (side + GAP));
    const text = colour(this.root, "--text");
    const muted = colour(this.root, "--muted");
    const on = colour(this.root, "--focus");
    context.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = rgba(muted, 1);
    for (let head = 0; head < view.heads; head++) context.fillText(head, LABEL + head * (side + GAP) + side / 2, LABEL / 2);
    view.layers.forEach((number, layer) => {
      context.fillStyle = rgba(muted, 1);
      context.fillText(number, LABEL / 2, LABEL + layer * (side + GAP) + side / 2);
      for (let head = 0; head < view.heads; head++) {
        const x = LABEL + head * (side + GAP);
        const y = LABEL + layer * (side + GAP);
        context.imageSmoothingEnabled = false;
        context.drawImage(this.images[layer * view.heads + head], x, y, side, side);
        const here = this.at?.[0] === layer && this.at?.[1] === head;
        context.lineWidth = here ? 2 : 1;
        context.strokeStyle = here ? rgba(on, 1) : rgba(text, 0.2);
        context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
        const moved = this.state.changed ? view.moved?.[layer]?.[head] : undefined;
        if (moved !== undefined && side > 30) {
          context.fillStyle = rgba(text, 1);
          context.fillText(`${Math.round(moved * 100)} %`, x + side / 2, y + side - 9);
        }
      }
    });
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const head = Math.floor((event.clientX - box.left - LABEL) / (this.side + GAP));
    const layer = Math.floor((event.clientY - box.top - LABEL) / (this.side + GAP));
    const { view } = this.state;
    this.#set(layer >= 0 && head >= 0 && layer < view.layers.length && head < view.heads ? [layer, head] : null);
  }

  #set(at) {
    if (at?.[0] === this.at?.[0] && at?.[1] === this.at?.[1]) return;
    this.at = at;
    if (at) this.onHead(...at, false);
    this.draw();
  }

  #key(event) {
    const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (event.key === "Enter" && this.at) this.onHead(...this.at, true);
    if (!step) return;
    event.preventDefault();
    const [layer, head] = this.at ?? [-step[0], -step[1]];
    const { view } = this.state;
    this.#set([
      Math.max(0, Math.min(view.layers.length - 1, layer + step[0])),
      Math.max(0, Math.min(view.heads - 1, head + step[1])),
    ]);
  }
}
