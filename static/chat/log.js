// The list of messages: kept in the order of their numbers, grouped, with a line where a day begins.

import { localTime } from "../site/time.js";

const GROUP = 5 * 60 * 1000; // chat/panel.py groups in the same way
const HUES = 12;
const NEAR_THE_END = 60; // pixels

const hueOf = (id) => parseInt(id.slice(0, 8) || "0", 16) % HUES;

function initialsOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0]).join("").toUpperCase();
}

export class Log {
  #scroller;
  #list;
  #template;
  #empty;

  constructor(panel) {
    this.#scroller = panel.querySelector(".chat-log");
    this.#list = panel.querySelector(".chat-list");
    this.#template = panel.querySelector(".chat-template");
    this.#empty = panel.querySelector(".chat-empty");
    // The server cut the days in UTC.
    for (const day of this.#list.querySelectorAll(".chat-day")) day.remove();
    for (const message of this.#messages()) this.#settle(message);
  }

  #messages() {
    return [...this.#list.querySelectorAll(".chat-message")];
  }

  get first() {
    return Number(this.#list.querySelector(".chat-message[data-n]")?.dataset.n ?? 0);
  }

  get atEnd() {
    return Math.abs(this.#scroller.scrollTop) < NEAR_THE_END; // the list grows from its end: 0 is the newest
  }

  scrollToEnd() {
    this.#scroller.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  numbered(n) {
    return this.#list.querySelector(`.chat-message[data-n="${Number(n)}"]`);
  }

  /** The message of `author` with this client id: ids are only unique among one person's messages. */
  sentAs(author, clientId) {
    return this.#messages().find(({ dataset }) => dataset.client === clientId && dataset.author === author);
  }

  clear() {
    this.#list.replaceChildren();
  }

  /** Puts a message in its place, also that of a pending one. Null if it is there already. */
  put(event) {
    if (this.numbered(event.n)) return null;
    let message;
    this.#keepingPlace(() => {
      message = this.#insert(event);
    });
    return message;
  }

  /** Older messages, ascending. What is being read stays where it is, and nothing is read out. */
  putBefore(events) {
    this.#scroller.setAttribute("aria-live", "off");
    for (const event of events) if (!this.numbered(event.n)) this.#insert(event);
    setTimeout(() => this.#scroller.removeAttribute("aria-live"), 500);
  }

  discard(author, clientId) {
    const message = this.sentAs(author, clientId);
    const next = this.#next(message);
    message.remove();
    this.#settle(next);
    this.#empty.hidden = Boolean(this.#list.querySelector(".chat-message"));
  }

  #insert(event) {
    this.sentAs(event.author.id, event.client_id)?.remove();
    const message = this.#make(event);
    message.id = `m${event.n}`;
    message.dataset.n = event.n;
    message.querySelector(".chat-link").href = `#m${event.n}`;
    // The server rendered and sanitized it; see miniconf/rendering.py.
    message.querySelector(".chat-text").innerHTML = event.html;
    const next = this.#messages().find(({ dataset }) => !dataset.n || Number(dataset.n) > event.n);
    if (next) next.before(message);
    else this.#list.append(message);
    this.#settle(message);
    this.#settle(this.#next(message));
    return message;
  }

  /** A message of one's own that the server has not got yet. */
  putPending({ client_id, text, at }, author) {
    const message = this.#make({ client_id, author, at });
    message.classList.add("is-pending");
    message.querySelector(".chat-text").textContent = text;
    this.#list.append(message);
    this.#settle(message);
    return message;
  }

  #make({ client_id, author, at }) {
    const message = this.#template.content.firstElementChild.cloneNode(true);
    Object.assign(message.dataset, { author: author.id, client: client_id, at });
    const avatar = message.querySelector(".chat-avatar");
    avatar.className = `chat-avatar hue-${hueOf(author.id)}`;
    avatar.textContent = initialsOf(author.name);
    message.querySelector(".chat-name").textContent = author.name;
    const role = message.querySelector(".chat-role");
    role.hidden = !author.role;
    role.textContent = author.role ? author.role[0].toUpperCase() + author.role.slice(1) : "";
    const time = message.querySelector("time");
    time.dateTime = at;
    time.textContent = localTime(at, "time");
    this.#empty.hidden = true;
    return message;
  }

  /** While one reads further up, what is added below must not push it away. (Above, nothing moves by itself.) */
  #keepingPlace(change) {
    const top = this.#scroller.getBoundingClientRect().top;
    const reading = !this.atEnd && this.#messages().find((message) => message.getBoundingClientRect().bottom > top);
    const before = reading ? reading.getBoundingClientRect().top : 0;
    change();
    if (reading) this.#scroller.scrollTop += reading.getBoundingClientRect().top - before;
  }

  #previous(message) {
    let previous = message.previousElementSibling;
    while (previous && !previous.classList.contains("chat-message")) previous = previous.previousElementSibling;
    return previous;
  }

  #next(message) {
    let next = message?.nextElementSibling;
    while (next && !next.classList.contains("chat-message")) next = next.nextElementSibling;
    return next;
  }

  /** Whether a message begins a day or goes on where the one before it stopped. */
  #settle(message) {
    if (!message) return;
    const previous = this.#previous(message);
    const { author, at } = message.dataset;
    const day = localTime(at, "date");
    const newDay = !previous || localTime(previous.dataset.at, "date") !== day;
    const line = message.previousElementSibling;
    if (line?.matches(".chat-day")) line.remove();
    if (newDay) message.before(this.#day(at, day));
    const soon = previous && new Date(at) - new Date(previous.dataset.at) < GROUP;
    message.classList.toggle("is-continued", !newDay && soon && previous.dataset.author === author);
  }

  #day(at, text) {
    const line = document.createElement("li");
    line.className = "chat-day";
    const time = document.createElement("time");
    time.dateTime = at;
    time.dataset.local = "date";
    time.textContent = text;
    line.append(time);
    return line;
  }
}
