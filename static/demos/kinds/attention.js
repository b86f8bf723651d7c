// Kind "attention": lines, matrix and all heads of what the model looked at; kernels where it looks at nothing.

import { demoKind } from "../panel.js";
import { fetchPart } from "../parts.js";
import { headColours, onColours, percent, visible } from "../attention/canvas.js";
import { Heads } from "../attention/heads.js";
import { Kernels } from "../attention/kernels.js";
import { Lines } from "../attention/lines.js";
import { Matrix } from "../attention/matrix.js";
import { readPacket } from "../attention/packet.js";

const LINES = 128; // tokens up to which lines can be told apart

class Attention {
  constructor(view) {
    this.view = view;
    this.kept = new Map();
  }

  reset() {
    this.written = [];
    this.kept.clear();
    const { element } = this.view;
    for (const old of element.querySelectorAll("[data-attention], .attention-table")) old.remove();
    const writing = element.querySelector("[data-part=writing]");
    writing.replaceChildren();
    writing.hidden = true;
  }

  /** While the model writes: each token, and what it looked at when it was chosen. */
  events(events) {
    const place = this.view.element.querySelector("[data-part=writing]");
    for (const event of events) {
      if (event.type !== "wrote" || !place) continue;
      place.hidden = false;
      const span = document.createElement("span");
      span.className = "token";
      span.textContent = event.text;
      place.append(span);
      this.written.push(event);
    }
  }

  words() {
    return this.written?.length ? [`${this.written.length} tokens`] : [];
  }

  finish(run) {
    const root = this.view.element.querySelector("[data-attention]");
    if (!root || !run.output?.tokens) return;
    this.run = run;
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    root.hidden = false;
    if (run.output.kernels) {
      new Kernels(this.part("kernels"), run.output.kernels, run.output.tokens, (sentence) => this.#say(sentence));
      this.#hiding();
      return;
    }
    this.state = { layer: 0, heads: [], threshold: 0.05, locked: null, shown: null, other: null, changed: false };
    this.lines = new Lines(this.part("lines"), this.state, (row, lock) => this.#token(row, null, lock));
    this.matrix = new Matrix(this.part("matrix"), this.state, (row, column, lock) => this.#token(row, column, lock));
    this.heads = new Heads(this.part("all"), this.state, (layer, head, open) => this.#head(layer, head, open));
    this.#controls();
    this.#hiding();
    this.#map(0);
  }

  #controls() {
    const { views } = this.run.output;
    const choose = this.part("map");
    choose?.addEventListener("change", () => this.#map(Number(choose.value)));
    this.part("layer").addEventListener("input", () => this.#layer(Number(this.part("layer").value)));
    this.part("threshold").addEventListener("input", () => this.#threshold(Number(this.part("threshold").value)));
    for (const button of this.root.querySelectorAll("[data-show]")) {
      button.addEventListener("click", () => this.#show(button.dataset.show));
    }
    const heads = this.part("heads");
    heads.addEventListener("click", (event) => {
      const box = event.target.closest("button");
      if (!box) return;
      const head = Number(box.dataset.head);
      const { state } = this;
      const on = new Set(state.heads);
      // A second click on the only one brings all of them back.
      if (event.detail === 2 || event.shiftKey) {
        state.heads = on.size === 1 && on.has(head) ? this.#allHeads() : [head];
      } else {
        on.has(head) ? on.delete(head) : on.add(head);
        state.heads = on.size ? [...on].sort((a, b) => a - b) : this.#allHeads();
      }
      this.#chips();
      this.#refresh();
    });
    this.part("every").addEventListener("click", () => {
      this.state.heads = this.#allHeads();
      this.#chips();
      this.#refresh();
    });
    for (const button of this.root.querySelectorAll("[data-when-hidden]")) {
      button.addEventListener("click", () => this.#compare(button.dataset.whenHidden));
    }
    onColours(() => this.#chips());
    if (views.length < 2 && choose) choose.closest("label").hidden = true;
  }

  #threshold(percents) {
    this.state.threshold = percents / 100;
    this.part("threshold").value = percents;
    this.part("threshold-words").textContent = `${percents} %`;
    this.#refresh();
  }

  #allHeads() {
    return Array.from({ length: this.state.view.heads }, (_, i) => i);
  }

  async #map(place) {
    const { state } = this;
    const view = this.run.output.views[place];
    Object.assign(state, { view, rows: view.rows, columns: view.columns ?? view.rows, locked: null, shown: null, small: null });
    state.heads = this.#allHeads();
    state.layer = Math.min(state.layer, view.layers.length - 1);
    this.part("layer").max = view.layers.length - 1;
    this.part("layer").closest("label").hidden = view.layers.length === 1;
    this.#chips();
    this.lines.fill();
    const many = Math.max(state.rows.length, state.columns.length) > LINES;
    this.root.querySelector("[data-show=lines]").disabled = many;
    this.#show(many ? "matrix" : (this.shown ?? "lines"));
    if (many) this.#threshold(0); // among hundreds of tokens each has little
    await this.#layer(state.layer);
    try {
      state.small = await this.#packet(`${view.name}-small`);
      this.heads.refresh();
    } catch (problem) {
      this.view.complain(problem.message);
    }
  }

  #packet(name) {
    if (!this.kept.has(name)) this.kept.set(name, fetchPart(this.run.id, name).then(readPacket));
    return this.kept.get(name);
  }

  async #layer(place) {
    const { state } = this;
    state.layer = place;
    this.part("layer").value = place;
    this.part("layer-words").textContent = `${state.view.layers[place]}`;
    const { view, compared = "before" } = state;
    try {
      const name = `${view.name}-${place}`;
      const before = compared === "after" ? null : await this.#packet(name);
      const after = compared === "before" ? null : await this.#packet(`${name}-hidden`);
      if (state.layer !== place || state.view !== view) return; // another was chosen meanwhile
      state.shown = after ?? before;
      state.other = compared === "moved" ? before : null;
      this.#refresh();
      this.#token(null, null, false);
    } catch (problem) {
      this.view.complain(problem.message);
    }
  }

  #compare(what) {
    this.state.compared = what;
    this.state.changed = what !== "before";
    for (const button of this.root.querySelectorAll("[data-when-hidden]")) {
      button.setAttribute("aria-pressed", String(button.dataset.whenHidden === what));
    }
    if (what === "moved") {
      this.#show("matrix");
      this.#threshold(0);
    }
    this.#layer(this.state.layer);
    this.heads.refresh();
  }

  #show(what) {
    this.shown = what;
    for (const button of this.root.querySelectorAll("[data-show]")) {
      button.setAttribute("aria-pressed", String(button.dataset.show === what));
    }
    for (const name of ["lines", "matrix", "all"]) this.part(name).hidden = name !== what;
    this.root.dataset.shown = what;
    this.#refresh();
  }

  #refresh() {
    this.lines.refresh();
    this.matrix.refresh();
    this.heads.draw();
  }

  #chips() {
    const { state } = this;
    const colours = headColours(state.view.heads);
    const on = new Set(state.heads);
    this.part("heads").replaceChildren(
      ...colours.map((colour, head) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "attention-head";
        button.dataset.head = head;
        button.style.setProperty("--head", colour);
        button.textContent = head;
        button.setAttribute("aria-label", `Head ${head}`);
        button.setAttribute("aria-pressed", String(on.has(head)));
        return button;
      }),
    );
  }

  /** Pointed at, or locked: said in words, too. */
  #token(row, column, lock) {
    const { state } = this;
    if (lock && row !== null) {
      state.locked = state.locked === row ? null : row;
      this.#refresh();
      this.#hideButton();
    }
    const at = row ?? state.locked;
    if (at === null || !state.shown) {
      this.part("says").textContent = "Point at a token, or choose one to keep it.";
      return;
    }
    const { rows, columns, weights } = state.shown;
    const sums = Array.from({ length: columns }, (_, i) => {
      let sum = 0;
      for (const head of state.heads) sum += weights[(head * rows + at) * columns + i];
      return sum / state.heads.length / 255;
    });
    const name = `“${visible(state.rows[at])}”`;
    if (column !== null) {
      this.#say(`${name} at “${visible(state.columns[column])}”: ${percent(sums[column])}`);
      return;
    }
    const best = sums.map((share, i) => [share, i]).sort((a, b) => b[0] - a[0]).slice(0, 4).filter(([share]) => share > 0);
    this.#say(
      best.length
        ? `${name} looks at ${best.map(([share, i]) => `“${visible(state.columns[i])}” ${percent(share)}`).join(", ")}`
        : `${name} was kept from the model.`,
    );
  }

  #say(sentence) {
    this.part("says").textContent = sentence;
  }

  #head(layer, head, open) {
    const { view } = this.state;
    this.#say(`Layer ${view.layers[layer]}, head ${head}`);
    if (!open) return;
    this.state.heads = [head];
    this.#chips();
    this.#show(this.root.querySelector("[data-show=lines]").disabled ? "matrix" : "lines");
    this.#layer(layer);
  }

  // --- Hiding tokens -----------------------------------------------------------------------------------------------

  #hiding() {
    const button = this.part("hide");
    const form = this.part("hide-tokens");
    if (!this.view.mayRun || this.run.output.written) {
      if (form) form.hidden = true;
      return;
    }
    const hidden = new Set(this.run.output.hidden);
    const boxes = this.part("hide-list");
    boxes.replaceChildren(
      ...this.run.output.tokens.map((token, i) => {
        const box = document.createElement("button");
        box.type = "button";
        box.className = "kernel-token";
        box.textContent = visible(token);
        box.setAttribute("aria-pressed", String(hidden.has(i)));
        box.addEventListener("click", () => {
          hidden.has(i) ? hidden.delete(i) : hidden.add(i);
          box.setAttribute("aria-pressed", String(hidden.has(i)));
          this.part("hide-run").disabled = hidden.size === 0 && this.run.output.hidden.length === 0;
        });
        return box;
      }),
    );
    this.part("hide-run").addEventListener("click", () => this.view.goOn({ hidden: [...hidden].sort((a, b) => a - b) }));
    if (button) {
      button.addEventListener("click", () => this.view.goOn({ hidden: [this.state.locked] }));
      this.#hideButton();
    }
  }

  #hideButton() {
    const button = this.part("hide");
    if (!button) return;
    const { locked, view } = this.state ?? {};
    const can = this.view.mayRun && !this.run.output.written && locked != null && (view?.name === "self" || view?.name === "encoder");
    button.hidden = !can;
    if (can) button.textContent = `Hide “${visible(this.state.rows[locked])}” from the model`;
  }
}

demoKind("attention", {
  summarize: ({ new_tokens: written }) => (written ? `writes ${written} tokens first` : "reads only"),
  result: (view) => new Attention(view),
});
