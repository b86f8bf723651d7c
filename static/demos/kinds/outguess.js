// Kind "outguess": the abstract word by word; the visitor stakes, the run prices.

import { showBars } from "../bars.js";
import { demoKind } from "../panel.js";

class Game {
  constructor(panel) {
    this.panel = panel;
    const root = panel.form.element;
    this.game = root.querySelector("[data-part=game]");
    if (!this.game) return;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.part("plain").remove();
    this.words = JSON.parse(document.getElementById(this.part("turn").dataset.words).textContent);
    this.submit = root.querySelector("[type=submit]");
    const plain = panel.form.inputs.bind(panel.form);
    panel.form.inputs = () => ({ ...plain(), guesses: this.guesses, stakes: this.stakes });
    const fill = panel.form.fill.bind(panel.form);
    panel.form.fill = (inputs) => {
      fill(inputs);
      if (inputs.guesses) this.#restore(inputs);
    };
    this.part("next").addEventListener("click", () => this.#take(this.part("guess").value.trim()));
    this.part("pass").addEventListener("click", () => this.#take(""));
    this.part("guess").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.#take(event.currentTarget.value.trim());
    });
    // "Run" ends the game where it stands: what is left stays with the model.
    this.submit.textContent = "Count the bits";
    this.again = document.createElement("button");
    Object.assign(this.again, { type: "button", className: "button button-quiet button-small", textContent: "Start over" });
    this.again.addEventListener("click", () => this.#restore({ guesses: [], stakes: [] }));
    this.submit.after(this.again);
    this.#restore({ guesses: [], stakes: [] });
  }

  #restore({ guesses = [], stakes = [] }) {
    this.guesses = guesses.slice(0, this.words.length);
    this.stakes = this.guesses.map((_, i) => stakes[i] ?? 50);
    this.part("told").textContent = "";
    this.#show();
  }

  #stake() {
    return Number([...this.game.querySelectorAll("[data-part=stake]")].find(({ checked }) => checked)?.value ?? 50);
  }

  #take(guess) {
    const word = this.words[this.guesses.length];
    if (!word) return;
    const stake = guess ? this.#stake() : 0;
    const right = guess.toLocaleLowerCase() === word.text.toLocaleLowerCase();
    this.guesses.push(guess);
    this.stakes.push(stake);
    this.part("told").textContent = !guess ? `It was “${word.text}”.` : right ? `“${word.text}” it is.` : `Not “${guess}”: “${word.text}”.`;
    this.part("told").dataset.right = String(right);
    this.#show();
    if (this.guesses.length === this.words.length) this.submit.focus();
    else this.part("guess").focus();
  }

  #show() {
    const at = this.guesses.length;
    this.part("known").replaceChildren(
      ...this.words.slice(0, at).flatMap(({ before, text }, i) => {
        const word = document.createElement("span");
        const right = this.guesses[i] && this.guesses[i].toLocaleLowerCase() === text.toLocaleLowerCase();
        word.className = right ? "outguess-word is-right" : "outguess-word";
        word.textContent = text;
        return [before, word];
      }),
    );
    const next = this.words[at];
    this.part("text").querySelector(".outguess-next").textContent = next ? `${next.before.trim()} …` : "";
    this.part("turn-count").textContent = next ? `${at + 1} of ${this.words.length}` : "";
    this.part("guess").value = "";
    for (const control of [this.part("guess"), this.part("next"), this.part("pass")]) control.disabled = !next;
    this.submit.classList.toggle("button-primary", !next || at > 0);
    this.again.hidden = at === 0;
  }
}

demoKind("outguess", {
  mount: (panel) => new Game(panel),
  result: (view) => ({ finish: () => showBars(view.element) }),
});
