// The strip of pinned messages above a room.

import { live } from "../live/socket.js";
import { plainText } from "./messages.js";

export class Pins {
  #panel;
  #strip;
  #list;

  constructor(panel) {
    this.#panel = panel;
    this.#strip = panel.element.querySelector(".chat-pins");
    this.#list = this.#strip.querySelector("ul");
    this.#list.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      panel.goTo(Number(link.hash.slice(2)));
    });
  }

  changed(message) {
    const line = this.#list.querySelector(`[data-id="${message.id}"]`);
    if (message.pinned && !message.gone) {
      if (line) line.replaceWith(this.#line(message));
      else this.#list.prepend(this.#line(message));
    } else line?.remove();
    this.#strip.hidden = !this.#list.children.length;
  }

  async startOver() {
    try {
      const { events } = await live.command("chat.pinned", { room: this.#panel.room });
      this.#list.replaceChildren(...events.map((event) => this.#line(event)));
      this.#strip.hidden = !events.length;
    } catch {
      // What was pinned before stays until the page is loaded again.
    }
  }

  #line({ id, n, author, html }) {
    const item = document.createElement("li");
    item.dataset.id = id;
    const link = document.createElement("a");
    link.href = `${this.#panel.address}?around=${n}#m${n}`;
    const name = document.createElement("b");
    name.textContent = author.name;
    const text = document.createElement("span");
    text.textContent = plainText(html);
    link.append(name, " ", text);
    item.append(link);
    return item;
  }
}
