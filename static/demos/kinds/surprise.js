// Kind "surprise": what each token of a text cost, and the text decoded from its bytes before one's eyes.

import { Inspector } from "../inspector.js";
import { demoKind } from "../panel.js";
import { fetchPart } from "../parts.js";
import { percent } from "../tokens.js";

const SLOWEST = 40; // ms for a token when the decoding is shown again

/** A drawn text in the form in which the inspector wants it; the lists of likelier tokens come when one is asked for. */
class HeatText {
  constructor(element, model, id, place) {
    this.element = element;
    this.spans = [...element.querySelectorAll(".token")];
    this.tokens = model.tokens.map(([text, bits]) => ({ text, p: 2 ** -bits, top: [] }));
    this.load = () => {
      this.load = () => {};
      fetchPart(id, `top-${place}.json`).then((bytes) => {
        const tops = JSON.parse(new TextDecoder().decode(bytes));
        this.tokens.forEach((token, i) => (token.top = tops[i] ?? []));
      }, () => {});
    };
    for (const type of ["pointerover", "focusin", "keydown"]) element.addEventListener(type, () => this.load());
  }

  at(index) {
    return this.spans[index] ?? null;
  }

  indexOf(node) {
    const span = node instanceof Element ? node.closest(".token") : null;
    const index = this.spans.indexOf(span);
    return index < 0 ? null : index;
  }
}

class Surprise {
  constructor(view) {
    this.view = view;
    this.part = (name) => view.element.querySelector(`[data-part="${name}"]`);
  }

  reset() {
    this.timer && clearInterval(this.timer);
    this.view.element.replaceChildren(...this.view.blank.map((node) => node.cloneNode(true)));
    this.read = [];
  }

  // The text comes out of the bytes again, a token at a time.
  events(events) {
    for (const event of events) {
      if (event.type === "read") this.read.push(event.model);
      if (event.type !== "decoded") continue;
      const place = this.part("decoded");
      if (!place) return;
      this.part("live").hidden = false;
      place.append(event.text);
      this.bits = event.bits;
    }
  }

  words(run) {
    if (run.state !== "running") return [];
    return this.bits ? [`decoding, ${this.bits.toLocaleString("en")} bits read`] : this.read?.length ? [`read by ${this.read.join(", ")}`] : [];
  }

  finish(run) {
    this.bits = 0;
    for (const section of this.view.element.querySelectorAll("[data-reading]")) this.#reading(section, run);
    const button = this.part("replay");
    button?.addEventListener("click", () => this.#replay(run, button));
  }

  #reading(section, run) {
    const place = Number(section.dataset.reading);
    const model = run.output?.models?.[place];
    if (!model) return;
    const text = new HeatText(section.querySelector('[data-part="heat"]'), model, run.id, place);
    new Inspector({
      text,
      popover: section.querySelector('[data-part="popover"]'),
      announce: (sentence) => this.view.announce(sentence),
      onPick: null,
      head: (index) => {
        const [, bits, rank] = model.tokens[index];
        return `${bits.toFixed(1)} bits (${percent(2 ** -bits)})${rank === null ? "" : `, rank ${rank + 1}`}`;
      },
    });
  }

  async #replay(run, button) {
    button.disabled = true;
    let steps;
    try {
      steps = JSON.parse(new TextDecoder().decode(await fetchPart(run.id, "steps.json")));
    } catch (error) {
      this.view.complain(error.message);
      button.disabled = false;
      return;
    }
    const place = this.part("decoded");
    const octets = [...this.part("bytes").querySelectorAll("span")];
    place.textContent = "";
    for (const octet of octets) octet.classList.remove("is-read");
    const began = performance.now();
    let done = 0;
    let lit = 0;
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      const due = Math.min(steps.length, Math.ceil((performance.now() - began) / SLOWEST));
      for (; done < due; done++) place.append(steps[done][0]);
      const read = done >= steps.length ? octets.length : Math.floor((steps[Math.max(0, done - 1)]?.[1] ?? 0) / 8);
      for (; lit < Math.min(read, octets.length); lit++) octets[lit].classList.add("is-read");
      if (done < steps.length) return;
      clearInterval(this.timer);
      button.disabled = false;
      const same = place.textContent === run.inputs.text;
      this.view.announce(same ? "Decoded: the same text." : "Decoded: another text.");
    }, 16);
  }
}

demoKind("surprise", { result: (view) => new Surprise(view) });
