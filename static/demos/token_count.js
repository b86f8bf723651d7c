// How many tokens a text has, told while it is typed; the site counts, with the model's own tokenizer.

import { csrfToken } from "../site/site.js";

const PAUSE = 300; // milliseconds without a key

class TokenCount {
  constructor(place, control, address) {
    this.place = place;
    this.control = control;
    this.address = address;
    this.form = control.form;
    control.addEventListener("input", () => this.later());
    this.form.addEventListener("input", (event) => {
      if (event.target !== control && !this.counted) this.later();
    });
    this.form.addEventListener("demo:filled", () => this.later());
    this.later(0);
  }

  later(pause = PAUSE) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.count(), pause);
  }

  async count() {
    const text = this.control.value;
    if (text === this.counted) return;
    const body = new URLSearchParams({ input: this.control.name, text });
    let answer = null;
    try {
      const response = await fetch(this.address, { method: "POST", body, headers: { "X-CSRFToken": csrfToken() ?? "" } });
      if (response.status === 200) answer = await response.json();
    } catch {
      // without an answer the characters are what is told
    }
    if (text !== this.control.value) return; // a newer text is on its way
    this.counted = text;
    this.place.hidden = answer === null;
    if (answer === null) return;
    this.place.textContent = `${answer.tokens.toLocaleString("en")} of ${answer.limit.toLocaleString("en")} tokens`;
    this.place.classList.toggle("is-over", answer.tokens > answer.limit);
  }
}

for (const panel of document.querySelectorAll("[data-demo][data-tokens]")) {
  for (const counter of panel.querySelectorAll("[data-count-for]")) {
    const control = panel.querySelector(`form [name="${CSS.escape(counter.dataset.countFor)}"]`);
    if (!control) continue;
    const place = document.createElement("span");
    place.className = "demo-count";
    place.dataset.tokensOf = control.name;
    place.hidden = true;
    counter.closest(".demo-label").append(place);
    new TokenCount(place, control, panel.dataset.tokens);
  }
}
