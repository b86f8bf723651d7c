// Where there is no attention: for each layer what a token receives from those before it (forward) and behind it (backward).

import { colour, onColours, oncePerFrame, prepare, rgba, visible } from "./canvas.js";

const HEIGHT = 74;
const LABEL = 60;

export class Kernels {
  constructor(root, { forward, backward, reach }, tokens, say) {
    this.root = root;
    Object.assign(this, { forward, backward, reach, tokens, say });
    this.canvas = root.querySelector("canvas");
    this.words = root.querySelector("[data-part=words]");
    this.layer = 0;
    this.token = Math.floor(tokens.length / 2);
    this.span = root.querySelector("[data-part=span]");
    this.draw = oncePerFrame(() => this.#draw());
    onColours(this.draw);
    new ResizeObserver(this.draw).observe(root);
    this.words.replaceChildren(
      ...tokens.map((token, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "kernel-token";
        button.dataset.i = i;
        button.tabIndex = i === this.token ? 0 : -1;
        button.textContent = visible(token);
        return button;
      }),
    );
    const point = (event) => {
      const button = event.target.closest("button");
      if (!button || Number(button.dataset.i) === this.token) return;
      this.token = Number(button.dataset.i);
      this.draw();
    };
    this.words.addEventListener("pointerover", point);
    this.words.addEventListener("focusin", point);
    this.words.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("pointermove", (event) => this.#choose(event.clientY));
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#set(Math.max(0, Math.min(this.forward.length - 1, this.layer + step)));
    });
    this.span?.addEventListener("input", this.draw);
    this.draw();
  }

  #choose(y) {
    const layer = Math.floor((y - this.canvas.getBoundingClientRect().top) / HEIGHT);
    if (layer >= 0 && layer < this.forward.length) this.#set(layer);
  }

  #set(layer) {
    if (layer === this.layer) return;
    this.layer = layer;
    const [near, far] = this.reach[layer];
    this.say(`Layer ${layer}: nine tenths of the weight lie within ${near} tokens before and ${far} behind.`);
    this.draw();
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.words.children];
    const next = Math.max(0, Math.min(all.length - 1, this.token + step));
    all.forEach((button, i) => (button.tabIndex = i === next ? 0 : -1));
    all[next].focus();
  }

  #draw() {
    const width = this.root.clientWidth;
    if (!width) return;
    const length = this.forward[0].length;
    const reach = Math.min(length - 1, Number(this.span?.value ?? 24));
    const context = prepare(this.canvas, width, HEIGHT * this.forward.length);
    const before = colour(this.root, "--accent");
    const behind = colour(this.root, "--danger");
    const text = colour(this.root, "--text");
    const muted = colour(this.root, "--muted");
    const middle = LABEL + (width - LABEL) / 2;
    const step = (width - LABEL) / (2 * reach + 2);
    context.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    context.textBaseline = "middle";
    this.forward.forEach((kernel, layer) => {
      const base = HEIGHT * layer + HEIGHT / 2;
      const other = this.backward[layer];
      const top = Math.max(...kernel.slice(0, reach + 1).map(Math.abs), ...other.slice(0, reach + 1).map(Math.abs), 1e-9);
      if (layer === this.layer) {
        context.fillStyle = rgba(before, 0.08);
        context.fillRect(0, HEIGHT * layer, width, HEIGHT);
      }
      context.fillStyle = rgba(layer === this.layer ? text : muted, 1);
      context.fillText(`Layer ${layer}`, 0, base);
      context.fillStyle = rgba(muted, 0.5);
      context.fillRect(LABEL, base, width - LABEL, 1);
      const wide = Math.max(1, Math.min(10, step * 0.7));
      for (let distance = 0; distance <= reach; distance++) {
        const high = (HEIGHT / 2 - 6) / top;
        context.fillStyle = rgba(before, 0.9);
        context.fillRect(middle - (distance + 0.5) * step - wide / 2, base, wide, -kernel[distance] * high);
        context.fillStyle = rgba(behind, 0.9);
        context.fillRect(middle + (distance + 0.5) * step - wide / 2, base, wide, -other[distance] * high);
      }
    });
    context.fillStyle = rgba(muted, 0.6);
    context.fillRect(middle, 0, 1, HEIGHT * this.forward.length);
    this.#shade();
  }

  /** How strongly each token reaches the chosen one in the chosen layer, from its own side. */
  #shade() {
    const forward = this.forward[this.layer];
    const backward = this.backward[this.layer];
    const top = Math.max(...forward.map(Math.abs), ...backward.map(Math.abs), 1e-9);
    [...this.words.children].forEach((button, i) => {
      const distance = Math.abs(i - this.token);
      const value = Math.abs(i <= this.token ? forward[distance] : backward[distance]) / top;
      button.style.setProperty("--share", value.toFixed(3));
      button.classList.toggle("is-behind", i > this.token);
      button.classList.toggle("is-on", i === this.token);
    });
  }
}
