// Kind "tokens": pieces of each tokenizer as one types; a click between two letters forces a cut there.

import { demoKind } from "../panel.js";
import { fetchFragment } from "../run_view.js";

const PAUSE = 150; // ms after the last letter

function summarize({ random_splits: cuts, seed }) {
  return [cuts ? `up to ${cuts} random cuts` : "no random cuts", seed === null ? "a new seed each time" : `seed ${seed}`].join(" · ");
}

const numbers = (text) => (String(text).match(/\d+/g) ?? []).map(Number);

class Preview {
  constructor(panel) {
    this.form = panel.form;
    this.place = panel.root.querySelector('[data-part="preview"]');
    this.form.element.addEventListener("input", () => this.#soon());
    this.form.element.addEventListener("demo:filled", () => this.#soon());
    this.place.addEventListener("click", (event) => this.#click(event));
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#draw(), PAUSE);
  }

  async #draw() {
    const { text, splits, models = [] } = this.form.inputs();
    const query = new URLSearchParams({ text, splits });
    for (const model of models) query.append("models", model);
    const asked = (this.asked = query.toString());
    const nodes = await fetchFragment(`${this.place.dataset.href}?${asked}`);
    if (this.asked === asked && nodes) this.place.replaceChildren(...nodes);
  }

  // The nearest place between two letters of the piece that was clicked.
  #click(event) {
    const piece = event.target.closest("[data-cuts] .piece");
    if (!piece || !getSelection().isCollapsed) return;
    const spot = document.caretPositionFromPoint?.(event.clientX, event.clientY);
    const range = spot ? null : document.caretRangeFromPoint?.(event.clientX, event.clientY);
    const offset = spot?.offset ?? range?.startOffset ?? 0;
    const start = Number(piece.dataset.end) - [...piece.textContent].length;
    const place = start + [...piece.textContent.slice(0, offset)].length;
    if (place < 1) return;
    const chosen = new Set(numbers(this.form.control("splits").value));
    if (!chosen.delete(place)) chosen.add(place);
    this.form.fill({ splits: [...chosen].sort((a, b) => a - b) });
  }
}

class Costs {
  constructor(view) {
    this.view = view;
    this.blank = view.blank;
  }

  reset() {
    this.view.element.replaceChildren(...this.blank.map((node) => node.cloneNode(true)));
    this.read = 0;
  }

  events(events) {
    for (const { type, model, splits, bits_per_letter: bits } of events) {
      if (type !== "cost") continue;
      const place = this.view.element.querySelector('[data-part="live"]');
      if (place) place.textContent = `${model}: ${bits.toFixed(2)} bits per character with ${splits} forced cuts`;
    }
  }
}

demoKind("tokens", { summarize, result: (view) => new Costs(view), mount: (panel) => new Preview(panel) });
