// One square for each pair of tokens, the mean of the chosen heads: up to 512 tokens, one image, scaled.

import { colour, onColours, oncePerFrame, prepare, rgba, visible } from "./canvas.js";
import { meanOf } from "./packet.js";

const LABELLED = 48; // tokens up to which there is room for their names
const ROOM = 84;

export class Matrix {
  constructor(root, state, onCell) {
    this.root = root;
    this.state = state;
    this.onCell = onCell;
    this.canvas = root.querySelector("canvas");
    this.cell = null;
    this.draw = oncePerFrame(() => this.#draw());
    onColours(() => this.refresh());
    new ResizeObserver(() => this.draw()).observe(root);
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => this.#set(null));
    this.canvas.addEventListener("click", () => this.cell && this.onCell(...this.cell, true));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  refresh() {
    this.image = null;
    this.draw();
  }

  get #room() {
    return this.state.rows.length <= LABELLED && this.state.columns.length <= LABELLED ? ROOM : 0;
  }

  #paint() {
    const { shown, heads, threshold, other } = this.state;
    const mean = meanOf(shown, heads);
    const before = other ? meanOf(other, heads) : null;
    const least = threshold * 255;
    const image = new ImageData(shown.columns, shown.rows);
    const more = colour(this.root, "--accent");
    const less = colour(this.root, "--danger");
    for (let i = 0; i < mean.length; i++) {
      // What moved is signed: it has two colours.
      const value = before ? mean[i] - before[i] : mean[i];
      const strength = Math.abs(value);
      const ink = value < 0 ? less : more;
      image.data[4 * i] = ink[0];
      image.data[4 * i + 1] = ink[1];
      image.data[4 * i + 2] = ink[2];
      image.data[4 * i + 3] = strength < least ? 0 : Math.sqrt(strength / 255) * 255;
    }
    this.image = document.createElement("canvas");
    this.image.width = shown.columns;
    this.image.height = shown.rows;
    this.image.getContext("2d").putImageData(image, 0, 0);
    this.mean = mean;
  }

  #draw() {
    const { state } = this;
    if (!state.shown || this.root.hidden) return;
    const width = this.root.clientWidth;
    if (!width) return;
    if (!this.image) this.#paint();
    const room = this.#room;
    const side = Math.min((Math.min(width, 760) - 1.5 * room) / state.columns.length, 24);
    this.side = side;
    // The last names lean out to the right.
    const context = prepare(this.canvas, room + side * state.columns.length + room / 2, room + side * state.rows.length);
    context.imageSmoothingEnabled = side < 1;
    context.drawImage(this.image, room, room, side * state.columns.length, side * state.rows.length);
    const text = colour(this.root, "--text");
    context.strokeStyle = rgba(text, 0.25);
    context.strokeRect(room + 0.5, room + 0.5, side * state.columns.length - 1, side * state.rows.length - 1);
    if (room) this.#labels(context, room, side, text);
    const at = this.cell ?? (state.locked === null ? null : [state.locked, null]);
    if (!at) return;
    context.strokeStyle = rgba(colour(this.root, "--focus"), 0.9);
    context.strokeRect(room, room + at[0] * side, side * state.columns.length, Math.max(side, 1));
    if (at[1] !== null) context.strokeRect(room + at[1] * side, room, Math.max(side, 1), side * state.rows.length);
  }

  #labels(context, room, side, text) {
    const { rows, columns } = this.state;
    context.fillStyle = rgba(text, 0.9);
    context.font = `${Math.min(13, side)}px ${getComputedStyle(this.root).fontFamily}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const short = (token) => (visible(token).length > 11 ? `${visible(token).slice(0, 10)}…` : visible(token));
    rows.forEach((token, i) => context.fillText(short(token), room - 6, room + (i + 0.5) * side));
    context.textAlign = "left";
    columns.forEach((token, i) => {
      context.save();
      context.translate(room + (i + 0.5) * side, room - 6);
      context.rotate(-Math.PI / 3);
      context.fillText(short(token), 0, 0);
      context.restore();
    });
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - this.#room) / this.side);
    const row = Math.floor((event.clientY - box.top - this.#room) / this.side);
    const { rows, columns } = this.state;
    this.#set(row >= 0 && column >= 0 && row < rows.length && column < columns.length ? [row, column] : null);
  }

  #set(cell) {
    if (cell?.[0] === this.cell?.[0] && cell?.[1] === this.cell?.[1]) return;
    this.cell = cell;
    this.onCell(cell?.[0] ?? null, cell?.[1] ?? null, false);
    this.draw();
  }

  #key(event) {
    const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (event.key === "Enter" && this.cell) this.onCell(...this.cell, true);
    if (!step) return;
    event.preventDefault();
    const [row, column] = this.cell ?? [-step[0], -step[1]];
    const { rows, columns } = this.state;
    this.#set([
      Math.max(0, Math.min(rows.length - 1, row + step[0])),
      Math.max(0, Math.min(columns.length - 1, column + step[1])),
    ]);
  }

  /** What a cell says, 0 to 1. */
  value(row, column) {
    return (this.mean?.[row * this.state.columns.length + column] ?? 0) / 255;
  }
}
