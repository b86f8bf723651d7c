// A paper's abstract in a dialog over the list; arrows go on to the next and previous card.
import { say, toggle } from "./marks.js";

export class QuickView {
  #dialog;
  #content;
  #list;
  #uid = "";
  #asked = 0;
  #kept = new Map(); // of this page's life

  /** `cards()` are the cards of the list, `turnPage(by)` promises the first card of its next page, or null. */
  constructor(dialog, list) {
    this.#dialog = dialog;
    this.#content = dialog.querySelector(".quick-content");
    this.#list = list;
    dialog.addEventListener("close", () => this.#card()?.querySelector("h3 a").focus());
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("[data-quick-step]");
      if (button) this.step(Number(button.dataset.quickStep));
    });
  }

  #card() {
    return this.#list.cards().find((card) => card.dataset.paper === this.#uid);
  }

  async open(card) {
    this.#uid = card.dataset.paper;
    const number = (this.#asked += 1);
    const address = `${card.querySelector("h3 a").getAttribute("href")}quick/`;
    if (!this.#dialog.open) this.#dialog.showModal();
    const html = this.#kept.get(address) ?? (await this.#fetch(address));
    if (number !== this.#asked) return; // another one was asked for meanwhile
    if (html === null) {
      this.#content.textContent = "The abstract cannot be loaded: the site cannot be reached.";
      return;
    }
    this.#content.innerHTML = html;
    this.#dialog.scrollTop = 0;
    // The star in the dialog says what the star on the card says.
    const [there, here] = [card, this.#content].map((place) => place.querySelector("button[data-bookmark]"));
    here?.setAttribute("aria-pressed", there?.getAttribute("aria-pressed") ?? "false");
    if (here?.form) here.value = here.getAttribute("aria-pressed") === "true" ? "0" : "1";
    if (here) here.hidden = false;
  }

  async #fetch(address) {
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" } });
      if (!answer.ok) return null;
      const html = await answer.text();
      this.#kept.set(address, html);
      return html;
    } catch {
      return null;
    }
  }

  async step(by) {
    const cards = this.#list.cards();
    const next = cards[cards.indexOf(this.#card()) + by] ?? (await this.#list.turnPage(by));
    if (next) this.open(next);
    else say(by > 0 ? "That was the last paper." : "That was the first paper.");
  }

  /** A key pressed while a dialog is open. */
  key(event) {
    if (!this.#dialog.open) return;
    const steps = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 };
    if (event.key in steps) {
      event.preventDefault();
      this.step(steps[event.key]);
    } else if (event.key === "b") {
      const button = this.#content.querySelector("button[data-bookmark]");
      if (button) toggle(button);
    } else if (event.key === " " && !event.target.closest("button, a")) {
      event.preventDefault();
      this.#dialog.close();
    }
  }
}
