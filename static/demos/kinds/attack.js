// Kind "attack": the tries as they come, the newest on top while the search goes on.

import { demoKind } from "../panel.js";

const SHOWN = 40;

class Attack {
  constructor(view) {
    this.view = view;
    this.part = (name) => view.element.querySelector(`[data-part="${name}"]`);
  }

  reset() {
    this.made = 0;
    this.view.element.querySelector(".attack-verdict")?.remove();
    this.view.element.querySelector(".attack-pair")?.remove();
    this.part("tries").replaceChildren();
    this.part("tries-box").hidden = true;
    this.part("now").hidden = true;
  }

  events(events) {
    for (const { type, tries } of events) if (type === "tries") for (const one of tries) this.#add(one);
  }

  #add([number, , before, after, label, confidence, taken]) {
    this.made = number;
    const body = this.part("tries");
    const row = document.createElement("tr");
    row.classList.toggle("is-taken", taken);
    for (const text of [number, before, after + (taken ? " ✓" : ""), label, `${(confidence * 100).toFixed(1)} %`]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    body.prepend(row);
    while (body.children.length > SHOWN) body.lastChild.remove();
    this.part("tries-box").hidden = false;
    this.part("now").hidden = false;
    this.part("now").textContent = `“${before}” → “${after}”: ${label}, first label at ${(confidence * 100).toFixed(1)} %`;
  }

  words() {
    return this.made ? [`${this.made} queries`] : [];
  }
}

demoKind("attack", {
  summarize: ({ budget, change, keep_ends: ends, twins }) =>
    [`${budget} queries`, `${change} % of the words`, ends ? "ends stay" : "", twins ? "look-alikes" : ""].filter(Boolean).join(" · "),
  result: (view) => new Attack(view),
});
