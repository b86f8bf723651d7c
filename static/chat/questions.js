// The questions of a room in place of its conversation: open, answered or all, in three orders.

import { live } from "../live/socket.js";

const PIECE = 50;
const SETTLE = 1500; // milliseconds after a change before the list is read again

export class Questions {
  #panel;
  #element;
  #list;
  #empty;
  #more;
  #badge;
  #show = "open";
  #sort = "votes";
  #timer = null;
  #asked = 0;

  constructor(panel) {
    this.#panel = panel;
    this.#element = panel.element.querySelector(".chat-questions");
    this.#list = this.#element.querySelector(".chat-list");
    this.#empty = this.#element.querySelector(".chat-empty");
    this.#more = this.#element.querySelector(".chat-later");
    this.#badge = panel.element.querySelector(".chat-open");
    this.#show = this.#element.querySelector("[data-show][aria-current]")?.dataset.show ?? "open";
    this.#sort = this.#element.querySelector("[data-sort][aria-current]")?.dataset.sort ?? "votes";
    panel.tabs.onShow("questions", () => this.#read(0));
    this.#element.addEventListener("click", (event) => {
      const filter = event.target.closest("[data-show], [data-sort]");
      const more = event.target.closest(".chat-later a");
      if (!filter && !more) return;
      event.preventDefault();
      if (filter?.dataset.show) this.#show = filter.dataset.show;
      if (filter?.dataset.sort) this.#sort = filter.dataset.sort;
      this.#read(more ? this.#list.children.length : 0);
    });
  }

  get open() {
    return this.#panel.tabs.current === "questions";
  }

  async #read(offset) {
    const asked = ++this.#asked;
    for (const link of this.#element.querySelectorAll("[data-show], [data-sort]")) {
      const { show = this.#show, sort = this.#sort } = link.dataset;
      if (show === this.#show && sort === this.#sort) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const { room, messages } = this.#panel;
    try {
      const fields = { room, show: this.#show, sort: this.#sort, offset, limit: offset ? PIECE : Math.max(PIECE, this.#shown()) };
      const { events, more, counts } = await live.command("chat.questions", fields);
      if (asked !== this.#asked) return;
      const elements = events.map((event) => messages.make(messages.learn(event)));
      if (offset) this.#list.append(...elements);
      else this.#replace(elements);
      this.#more.hidden = !more;
      this.#empty.hidden = this.#list.children.length > 0;
      this.#count(counts.open);
      messages.learnOwn(events);
    } catch (error) {
      if (!error.lost) this.#panel.say(error.message);
    }
  }

  #shown() {
    return Math.min(100, this.#list.children.length);
  }

  /** Whoever has the focus in the list keeps it. */
  #replace(elements) {
    const focused = this.#list.contains(document.activeElement) && document.activeElement.closest(".chat-message")?.dataset.id;
    this.#list.replaceChildren(...elements);
    if (focused) this.#list.querySelector(`[data-id="${focused}"]`)?.focus({ preventScroll: true });
  }

  #count(open) {
    this.#badge.textContent = open;
    this.#badge.hidden = !open;
  }

  #adjust(by) {
    if (by) this.#count(Math.max(0, Number(this.#badge.textContent) + by));
  }

  put(message) {
    if (message.asked !== "open") return;
    this.#adjust(1);
    this.#refresh();
  }

  /** `before`: what was known of it, null where it was not loaded. */
  changed(message, before) {
    if (!message.asked && !before?.asked) return;
    const counts = (state) => (state && state.asked === "open" && !state.gone ? 1 : 0);
    if (before) this.#adjust(counts(message) - counts(before));
    this.#refresh();
  }

  startOver() {
    if (this.open) this.#read(0);
  }

  /** Votes come in bursts, and what is about to be pressed must not jump at each of them. */
  #refresh() {
    if (!this.open) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open && this.#read(0), SETTLE + Math.random() * SETTLE);
  }
}
