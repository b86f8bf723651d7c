// Recorded runs: the text can be looked into as when it was live, and played again at its own speed.

import { Inspector } from "../demos/inspector.js";
import { TokenText } from "../demos/tokens.js";

const SLOWEST = 120; // ms for a token
const FASTEST = 8;

class RecordedRun {
  constructor(root, data) {
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.data = data;
    this.tokens = data.tokens.map(([id, text, p, top], i) => ({ i, id, text, p, top }));
    this.text = new TokenText(this.part("text"));
    this.pace = Math.min(SLOWEST, Math.max(FASTEST, (1000 * data.seconds) / Math.max(1, this.tokens.length)));
    new Inspector({
      text: this.text,
      popover: this.part("popover"),
      announce: (sentence) => (this.part("announcer").textContent = sentence),
      onPick: null,
    });
    this.show();
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      className: "button button-small",
      textContent: "Play it again",
    });
    button.addEventListener("click", () => this.play());
    this.part("status").after(button);
    const tint = this.part("tint");
    tint?.addEventListener("change", () => (root.dataset.tint = tint.checked ? "on" : "off"));
  }

  show() {
    clearInterval(this.timer);
    this.text.reset(this.data.prompt);
    this.text.append(this.tokens);
  }

  play() {
    clearInterval(this.timer);
    this.text.reset(this.data.prompt);
    const began = performance.now();
    this.timer = setInterval(() => {
      const due = Math.ceil((performance.now() - began) / this.pace);
      this.text.append(this.tokens.slice(this.text.tokens.length, due));
      if (due >= this.tokens.length) clearInterval(this.timer);
    }, FASTEST);
  }
}

for (const root of document.querySelectorAll("[data-run-view][data-run]")) {
  const data = document.getElementById(`run-data-${root.dataset.run}`);
  if (data) new RecordedRun(root, JSON.parse(data.textContent));
}
