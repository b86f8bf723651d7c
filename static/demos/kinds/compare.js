// Kind "compare": several texts that grow beside each other, then what the server draws of them.

import { demoKind } from "../panel.js";
import { TokenText } from "../tokens.js";

function summarize({ max_new_tokens: length, temperature, top_p: topP, seed }) {
  return [
    `up to ${length ?? "?"} tokens each`,
    temperature === 0 ? "always the likeliest" : `temperature ${temperature ?? "?"}`,
    topP !== null && topP < 1 ? `top-p ${topP}` : "",
    seed === null ? "a new seed each time" : `seed ${seed}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

class Columns {
  constructor(view) {
    this.view = view;
  }

  reset(run) {
    const { models = [], mode, prompt } = run.inputs;
    const frame = document.createElement("div");
    frame.className = `columns columns-${models.length}`;
    this.texts = models.map((model) => {
      const column = document.createElement("section");
      column.className = "column";
      const name = document.createElement("h4");
      name.className = "column-name";
      name.append(Object.assign(document.createElement("code"), { textContent: model }));
      const place = Object.assign(document.createElement("div"), { className: "run-text column-text" });
      place.dataset.tint = "on";
      column.append(name, place);
      frame.append(column);
      const text = new TokenText(place);
      text.reset(mode === "generate" ? prompt : "");
      return text;
    });
    this.rates = models.map(() => ({ first: 0, last: 0 }));
    this.view.element.replaceChildren(frame);
  }

  events(events) {
    this.texts?.forEach((text, stream) => {
      const own = events.filter((event) => event.type === "token" && (event.stream ?? 0) === stream);
      if (!own.length) return;
      text.append(own);
      const rate = this.rates[stream];
      rate.last = performance.now();
      rate.first ||= rate.last;
    });
  }

  words(run) {
    if (run.state !== "running" || !this.texts) return [];
    return this.texts.some((text) => text.tokens.length)
      ? [`${this.texts.map((text) => text.tokens.length).join(" and ")} tokens`]
      : [];
  }

  // Columns scroll together: the same share of each is in view.
  finish() {
    const columns = [...this.view.element.querySelectorAll("[data-column]")];
    let leader = null;
    for (const column of columns) {
      column.addEventListener("pointerenter", () => (leader = column));
      column.addEventListener("focus", () => (leader = column));
      column.addEventListener("scroll", () => {
        if (leader !== column) return;
        const share = column.scrollTop / Math.max(1, column.scrollHeight - column.clientHeight);
        for (const other of columns) {
          if (other !== column) other.scrollTop = share * (other.scrollHeight - other.clientHeight);
        }
      });
    }
  }
}

/** What only matters for writing is folded away when the models read. */
function mount(panel) {
  const settings = panel.form.element.querySelector(".demo-settings");
  const show = () => (settings.hidden = panel.form.inputs().mode === "read");
  panel.form.element.addEventListener("change", show);
  panel.form.element.addEventListener("demo:filled", show);
  show();
}

demoKind("compare", { summarize, result: (view) => new Columns(view), mount });
