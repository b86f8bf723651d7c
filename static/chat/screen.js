// The screen of a Q&A session (templates/chat/screen.html): open questions, the most wanted first, one of them large.

import { live } from "../live/socket.js";

const SETTLE = 600; // milliseconds after a change before the list is read again

class Screen {
  #element;
  #list;
  #timer = null;
  #reading = false;
  #current = null; // id of the question that is shown large

  constructor(element) {
    this.#element = element;
    this.#list = element.querySelector(".screen-list");
    element.classList.add("is-live");
    this.#choose(this.#list.firstElementChild);
    live.subscribe(`room:${element.dataset.screen}`, {
      after: Number(element.dataset.last),
      onEvents: (events) => this.#hear(events),
      onState: (state) => state === "live" && this.#later(),
    });
    element.addEventListener("click", (event) => this.#onClick(event));
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #hear(events) {
    const asked = ({ type, asked: plain, message }) => type === "gap" || Boolean(plain) || message !== undefined;
    if (events.some(asked)) this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#read(), SETTLE);
  }

  async #read() {
    if (this.#reading) return this.#later();
    this.#reading = true;
    try {
      const { screen: room, most } = this.#element.dataset;
      const { events, counts } = await live.command("chat.questions", { room, limit: Number(most) });
      this.#show(events);
      this.#element.querySelector("[data-part=count]").textContent = `${counts.open} open, ${counts.answered} answered`;
    } catch {
      // The next change, or the next connection, reads it again.
    } finally {
      this.#reading = false;
    }
    return undefined;
  }

  #show(questions) {
    const place = [...this.#list.children].findIndex(({ dataset }) => dataset.id === this.#current);
    const known = new Map([...this.#list.children].map((item) => [item.dataset.id, item]));
    const items = questions.map((question) => this.#fill(known.get(String(question.id)) ?? this.#make(), question));
    const focused = document.activeElement;
    this.#list.replaceChildren(...items);
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
    this.#element.querySelector(".screen-empty").hidden = items.length > 0;
    // The one that was large stays; where it was answered, what comes after it is next.
    const same = items.find(({ dataset }) => dataset.id === this.#current);
    this.#choose(same ?? items[Math.min(Math.max(place, 0), items.length - 1)] ?? null);
  }

  #make() {
    return this.#element.querySelector("[data-part=template]").content.firstElementChild.cloneNode(true);
  }

  #fill(item, { id, votes, html, author }) {
    item.dataset.id = id;
    item.querySelector(".screen-votes b").textContent = votes;
    item.querySelector(".screen-votes span").textContent = votes === 1 ? "vote" : "votes";
    item.querySelector(".screen-author").textContent = author.name;
    const text = item.querySelector(".screen-text");
    // The server rendered and sanitized it; see miniconf/rendering.py.
    if (text.innerHTML !== html) text.innerHTML = html;
    item.querySelector("button").value = `${id} on`;
    return item;
  }

  #choose(item) {
    this.#current = item?.dataset.id ?? null;
    for (const other of this.#list.children) other.classList.toggle("is-current", other === item);
    for (const other of this.#list.children) {
      if (other === item) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
  }

  #step(by) {
    const items = [...this.#list.children];
    const place = items.findIndex(({ dataset }) => dataset.id === this.#current);
    const next = items[place + by];
    if (!next) return;
    this.#choose(next);
    next.scrollIntoView({ block: "nearest" });
  }

  async #answered(id) {
    try {
      await live.command("chat.answered", { message: Number(id), live: true });
      this.#read();
    } catch (error) {
      this.#element.querySelector("[data-part=count]").textContent = error.message;
    }
  }

  #onClick(event) {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act) this.#step(act === "next" ? 1 : -1);
    const item = event.target.closest(".screen-question");
    if (event.target.closest("button[name=live]") && live.connected) {
      event.preventDefault();
      this.#answered(item.dataset.id);
    } else if (item && !event.target.closest("a, button")) this.#choose(item);
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, a, button")) return;
    if (event.key === "ArrowDown" || event.key === "ArrowRight") this.#step(1);
    else if (event.key === "ArrowUp" || event.key === "ArrowLeft") this.#step(-1);
    else if (event.key.toLowerCase() === "a" && this.#current) this.#answered(this.#current);
    else return;
    event.preventDefault();
  }
}

for (const element of document.querySelectorAll("[data-screen]")) new Screen(element);
