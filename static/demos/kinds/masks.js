// Kind "masks": words are hidden by clicking them; a line for each guess.

import { showBars } from "../bars.js";
import { demoKind } from "../panel.js";

const WORD = /\[[^\[\]\n]{0,60}\]|[\p{L}\p{N}_]+(?:['’.\-][\p{L}\p{N}_]+)*/gu;
const MOST = 12;

/** The text in pieces: {text, word, hidden}. */
function piecesOf(text) {
  const pieces = [];
  let done = 0;
  for (const found of text.matchAll(WORD)) {
    if (found.index > done) pieces.push({ text: text.slice(done, found.index) });
    const hidden = found[0].startsWith("[");
    pieces.push({ text: hidden ? found[0].slice(1, -1) : found[0], word: true, hidden });
    done = found.index + found[0].length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

const written = (pieces) => pieces.map(({ text, hidden }) => (hidden ? `[${text}]` : text)).join("");

class Play {
  constructor(panel) {
    this.panel = panel;
    this.form = panel.form;
    const root = this.form.element;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.source = this.form.control("text");
    this.guesses = [];
    this.part("guess-line").querySelector("input").remove();
    this.part("guess-line").querySelector("label").remove();
    this.source.addEventListener("input", () => this.show());
    const plain = this.form.inputs.bind(this.form);
    this.form.inputs = () => ({ ...plain(), guesses: this.#guesses() });
    const fill = this.form.fill.bind(this.form);
    this.form.fill = (inputs) => {
      fill(inputs);
      if ("text" in inputs) {
        this.guesses = [];
        this.show();
        (inputs.guesses ?? []).forEach((guess, i) => {
          if (this.boxes[i]) this.boxes[i].value = guess;
        });
      }
    };
    this.show();
  }

  #guesses() {
    return this.boxes.map((box) => box.value.trim());
  }

  show() {
    const pieces = piecesOf(this.source.value);
    const old = new Map((this.boxes ?? []).map((box) => [box.dataset.at, box.value]));
    this.boxes = [];
    const hidden = pieces.filter((piece) => piece.hidden).length;
    this.part("words").replaceChildren(
      ...pieces.map((piece, at) => {
        if (!piece.word) return document.createTextNode(piece.text);
        if (!piece.hidden) {
          const button = document.createElement("button");
          button.type = "button";
          button.className = "mask-choice";
          button.textContent = piece.text;
          button.setAttribute("aria-pressed", "false");
          button.disabled = hidden >= MOST;
          button.addEventListener("click", () => this.#toggle(pieces, at, true));
          return button;
        }
        const place = document.createElement("span");
        place.className = "mask-open";
        const box = document.createElement("input");
        box.type = "text";
        box.maxLength = 60;
        box.autocomplete = "off";
        box.dataset.at = at;
        box.size = 10;
        box.value = old.get(String(at)) ?? "";
        box.setAttribute("aria-label", `Your guess for hidden word ${this.boxes.length + 1}`);
        this.boxes.push(box);
        const back = document.createElement("button");
        back.type = "button";
        back.className = "mask-back";
        back.textContent = "×";
        back.setAttribute("aria-label", "Show this word again");
        back.addEventListener("click", () => this.#toggle(pieces, at, false));
        place.append(box, back);
        return place;
      }),
    );
    this.part("count").textContent = hidden ? `${hidden} hidden` : "Nothing is hidden yet.";
  }

  #toggle(pieces, at, hidden) {
    // A place whose word nobody knows is a word again only with something in it.
    pieces[at].hidden = hidden;
    this.source.value = written(pieces);
    this.source.dispatchEvent(new Event("input", { bubbles: true }));
    const box = this.boxes.find((one) => one.dataset.at === String(at));
    (box ?? this.part("words").querySelector("button"))?.focus();
  }
}

demoKind("masks", {
  mount: (panel) => new Play(panel),
  result: (view) => ({
    finish: () => showBars(view.element),
  }),
});
