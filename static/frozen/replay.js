// Recorded runs of kind "generate": they can be played again at their own speed. Looking into them is the kind's own script.

import { recordInPage } from "../demos/parts.js";

const SLOWEST = 120; // ms for a token
const FASTEST = 8;

class RecordedRun {
  constructor(root, run) {
    this.element = root.querySelector('[data-part="text"]');
    this.prompt = run.inputs.prompt;
    this.tokens = (run.output?.tokens ?? []).map(([id, text, p, top], i) => ({ i, id, text, p, top }));
    const took = Date.parse(run.finished_at) - Date.parse(run.started_at);
    this.pace = Math.min(SLOWEST, Math.max(FASTEST, took / Math.max(1, this.tokens.length) || FASTEST));
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      className: "button button-small",
      textContent: "Play it again",
    });
    button.addEventListener("click", () => this.play());
    root.querySelector('[data-part="status"]').after(button);
  }

  // The tokens that stand there become visible one by one: they stay what the kind's script looks into.
  play() {
    clearInterval(this.timer);
    const shown = [...this.element.querySelectorAll(".tokens-new > .token")];
    for (const token of shown) token.hidden = true;
    const began = performance.now();
    let place = 0;
    this.timer = setInterval(() => {
      const due = Math.ceil((performance.now() - began) / this.pace);
      for (; place < Math.min(due, shown.length); place++) shown[place].hidden = false;
      if (place >= shown.length) clearInterval(this.timer);
    }, FASTEST);
  }
}

for (const root of document.querySelectorAll('[data-run-view][data-run][data-kind="generate"]')) {
  const run = recordInPage(root.dataset.run);
  if (run) new RecordedRun(root, run);
}
