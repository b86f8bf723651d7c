// Two columns of tokens and lines between them: who looks at whom, in one layer, coloured by head.

import { headColours, onColours, oncePerFrame, prepare, visible } from "./canvas.js";

const ROW = 22;
const SHADES = 10;

export class Lines {
  /**
   * @param {HTMLElement} root with [data-part=rows], [data-part=columns] and a canvas
   * @param {object} state shared by all views: {layer, heads, threshold, locked, rows, columns}
   * @param {(row: number|null, lock: boolean) => void} onToken pointed at, or chosen
   */
  constructor(root, state, onToken) {
    this.root = root;
    this.state = state;
    this.canvas = root.querySelector("canvas");
    this.left = root.querySelector("[data-part=rows]");
    this.right = root.querySelector("[data-part=columns]");
    this.pointed = null;
    // All lines stand still on one canvas; those of the row pointed at are drawn on another above it.
    this.above = document.createElement("canvas");
    this.above.className = "attention-above";
    this.above.setAttribute("aria-hidden", "true");
    this.canvas.after(this.above);
    this.draw = oncePerFrame(() => this.#draw());
    onColours(() => this.refresh());
    new ResizeObserver(() => this.refresh()).observe(root);
    this.left.addEventListener("pointerover", (event) => this.#point(event));
    this.left.addEventListener("pointerleave", () => this.#set(null));
    this.left.addEventListener("focusin", (event) => this.#point(event));
    this.left.addEventListener("focusout", () => this.#set(null));
    this.left.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) onToken(Number(button.dataset.i), true);
    });
    this.left.addEventListener("keydown", (event) => this.#key(event));
    this.onToken = onToken;
  }

  /** New tokens. */
  fill() {
    const { rows, columns } = this.state;
    this.left.replaceChildren(
      ...rows.map((token, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "attention-token";
        button.dataset.i = i;
        button.tabIndex = i === 0 ? 0 : -1;
        button.textContent = visible(token);
        button.title = visible(token);
        button.setAttribute("aria-pressed", "false");
        return button;
      }),
    );
    this.shares = [];
    this.shaded = this.kept = null;
    this.right.replaceChildren(
      ...columns.map((token) => {
        const span = document.createElement("span");
        span.className = "attention-token";
        span.textContent = visible(token);
        span.title = visible(token);
        return span;
      }),
    );
    this.refresh();
  }

  /** Layer, heads, threshold or size have changed. */
  refresh() {
    this.dirty = true;
    this.draw();
  }

  #point(event) {
    const button = event.target.closest("button");
    if (button) this.#set(Number(button.dataset.i));
  }

  #set(row) {
    if (this.pointed === row) return;
    this.pointed = row;
    this.onToken(row, false);
    this.draw();
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.left.children];
    const at = all.indexOf(document.activeElement);
    const next = Math.max(0, Math.min(all.length - 1, at + step));
    all[at].tabIndex = -1;
    all[next].tabIndex = 0;
    all[next].focus();
  }

  #draw() {
    const { state, canvas } = this;
    if (!state.shown || this.root.hidden) return;
    const width = canvas.parentElement.clientWidth;
    const height = Math.max(state.rows.length, state.columns.length) * ROW;
    if (width === 0) return;
    if (this.dirty) {
      this.dirty = false;
      this.colours = headColours(state.shown.heads);
      this.#strokes(prepare(canvas, width, height), width, null);
      this.drawn = undefined;
    }
    const row = this.pointed ?? state.locked;
    if (this.drawn !== row) {
      const context = prepare(this.above, width, height);
      canvas.classList.toggle("is-behind", row !== null);
      if (row !== null) this.#strokes(context, width, row);
      this.#shade(row);
    }
    this.drawn = row;
  }

  /** All lines, or those of one row; those of one colour and strength are one path. */
  #strokes(context, width, only) {
    const { shown, heads, threshold } = this.state;
    const { rows, columns, weights } = shown;
    const least = Math.max(1, Math.round(threshold * 255));
    const first = only ?? 0;
    const last = only === null ? rows : only + 1;
    context.lineWidth = only === null ? 1 : 1.6;
    for (const head of heads) {
      const paths = [];
      for (let row = first; row < last; row++) {
        const from = (head * rows + row) * columns;
        const y = (row + 0.5) * ROW;
        for (let column = 0; column < columns; column++) {
          const weight = weights[from + column];
          if (weight < least) continue;
          const shade = Math.min(SHADES - 1, Math.floor((weight * SHADES) / 256));
          const path = (paths[shade] ??= new Path2D());
          path.moveTo(0, y);
          path.lineTo(width, (column + 0.5) * ROW);
        }
      }
      context.strokeStyle = this.colours[head];
      paths.forEach((path, shade) => {
        context.globalAlpha = Math.min(1, (shade + 0.6) / SHADES);
        context.stroke(path);
      });
    }
    context.globalAlpha = 1;
  }

  /** The right column shows how much the row looks at each token; the left one which row that is. */
  #shade(row) {
    const { shown, heads, locked } = this.state;
    const { rows, columns, weights } = shown;
    const left = this.left.children;
    for (const i of [this.shaded, this.kept, row, locked]) {
      left[i]?.classList.toggle("is-on", i === row);
      left[i]?.setAttribute("aria-pressed", String(i === locked));
    }
    this.shaded = row;
    this.kept = locked;
    const right = this.right.children;
    for (let column = 0; column < right.length; column++) {
      let sum = 0;
      if (row !== null) for (const head of heads) sum += weights[(head * rows + row) * columns + column];
      // In steps of two per cent: what does not change is not painted again.
      const share = heads.length ? Math.round((sum / heads.length / 255) * 50) / 50 : 0;
      if (this.shares[column] === share) continue;
      this.shares[column] = share;
      right[column].style.setProperty("--share", String(share));
    }
  }
}
