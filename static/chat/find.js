// A search in a room in place of its conversation. What is found is shown whole; its time leads to where it stands.

import { live } from "../live/socket.js";

const PIECE = 30;
const WORD = /[\p{L}\p{N}]+/gu;

const fold = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export class Find {
  #panel;
  #element;
  #field;
  #list;
  #says;
  #more;
  #asked = 0;
  #before = null;

  constructor(panel) {
    this.#panel = panel;
    this.#element = panel.element.querySelector(".chat-find");
    this.#field = this.#element.querySelector("[type=search]");
    this.#list = this.#element.querySelector(".chat-list");
    this.#says = this.#element.querySelector(".chat-empty");
    this.#more = this.#element.querySelector(".chat-later");
    panel.tabs.onShow("search", () => this.#field.focus());
    this.#element.querySelector("form").addEventListener("submit", (event) => {
      if (!live.connected) return; // the page does it
      event.preventDefault();
      this.#search();
    });
    this.#more.addEventListener("click", () => this.#search(this.#before));
    this.#list.addEventListener("click", (event) => {
      const link = event.target.closest(".chat-link");
      if (!link || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      panel.goTo(Number(link.closest(".chat-message").dataset.n));
    });
  }

  async #search(before = null) {
    const text = this.#field.value.trim();
    if (!text) return;
    const asked = ++this.#asked;
    const { room, messages } = this.#panel;
    try {
      const answer = await live.command("chat.search", { room, text, limit: PIECE, ...(before ? { before } : {}) });
      if (asked !== this.#asked) return;
      this.#before = answer.before;
      const found = answer.found.map(({ event }) => messages.learn(event));
      const elements = found.map((message) => messages.make(message));
      for (const element of elements) element.querySelector(".chat-link").tabIndex = 0;
      if (before) this.#list.append(...elements);
      else this.#list.replaceChildren(...elements);
      this.#more.hidden = !answer.before;
      this.#says.hidden = this.#list.children.length > 0;
      this.#says.textContent = "No message in this room has all of these words.";
      messages.learnOwn(found);
      this.#mark(text);
    } catch (error) {
      this.#panel.say(error.message);
    }
  }

  /** The words that were found stand out, where the browser can do that without touching the text. */
  #mark(text) {
    if (!globalThis.Highlight) return;
    const wanted = (text.match(WORD) ?? []).map(fold);
    const ranges = [];
    for (const shown of this.#list.querySelectorAll(".chat-text")) {
      const walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        for (const { 0: word, index } of walker.currentNode.data.matchAll(WORD)) {
          if (!wanted.some((begin) => fold(word).startsWith(begin))) continue;
          const range = document.createRange();
          range.setStart(walker.currentNode, index);
          range.setEnd(walker.currentNode, index + word.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("chat-found", new Highlight(...ranges));
  }
}
