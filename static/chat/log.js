// A list of messages: kept in the order of their numbers, grouped, with a line where a day begins and one where the
// unread ones do.

import { localTime } from "../site/time.js";

const GROUP = 5 * 60 * 1000; // chat/panel.py groups in the same way
const NEAR_THE_END = 60; // pixels

export class Log {
  #scroller;
  #list;
  #empty;
  #messages;
  #anchors;
  #unread = null; // {after, until}: numbers between which the first unread message is

  /** `root`: what holds the scrolling log. `anchors`: whether these are the elements that #m12 means. */
  constructor(root, messages, { list = ".chat-list", anchors = true } = {}) {
    this.#scroller = root.querySelector(".chat-log");
    this.#list = root.querySelector(list);
    this.#empty = root.querySelector(".chat-empty");
    this.#messages = messages;
    this.#anchors = anchors;
    // The server cut the days in UTC.
    for (const day of this.#list.querySelectorAll(".chat-day")) day.remove();
    for (const message of this.elements) this.#settle(message);
  }

  get elements() {
    return [...this.#list.querySelectorAll(".chat-message")];
  }

  get first() {
    return Number(this.#list.querySelector(".chat-message[data-n]")?.dataset.n ?? 0);
  }

  get last() {
    return Number(this.elements.findLast(({ dataset }) => dataset.n)?.dataset.n ?? 0);
  }

  get length() {
    return this.#list.querySelectorAll(".chat-message").length;
  }

  get atEnd() {
    return Math.abs(this.#scroller.scrollTop) < NEAR_THE_END; // the list grows from its end: 0 is the newest
  }

  scrollToEnd({ smooth = true } = {}) {
    const still = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#scroller.scrollTo({ top: 0, behavior: still ? "auto" : "smooth" });
  }

  numbered(n) {
    return this.#list.querySelector(`.chat-message[data-n="${Number(n)}"]`);
  }

  /** The message of `author` with this client id: ids are only unique among one person's messages. */
  sentAs(author, clientId) {
    return this.elements.find(({ dataset }) => dataset.client === clientId && dataset.author === author);
  }

  clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }

  /** Puts a message in its place, also that of a pending one. Null if it is there already. */
  put(message) {
    if (this.numbered(message.n)) return null;
    let element;
    this.keepingPlace(() => {
      element = this.#insert(message);
    });
    return element;
  }

  /** What was read from the history, ascending: what is being read stays where it is, and nothing is read out. */
  putAll(messages) {
    this.#scroller.setAttribute("aria-live", "off");
    this.keepingPlace(() => {
      for (const message of messages) if (!this.numbered(message.n)) this.#insert(message);
      this.#placeUnread();
    });
    setTimeout(() => this.#scroller.removeAttribute("aria-live"), 500);
  }

  /** Takes the newest out until `most` are left. Returns whether there was anything to take out. */
  trimEnd(most) {
    const extra = this.elements.filter(({ dataset }) => dataset.n).slice(most);
    this.keepingPlace(() => extra.forEach((element) => this.#take(element)));
    return extra.length > 0;
  }

  trimStart(most) {
    const all = this.elements.filter(({ dataset }) => dataset.n);
    const extra = all.slice(0, Math.max(0, all.length - most));
    this.keepingPlace(() => {
      extra.forEach((element) => this.#take(element));
      this.#settle(this.elements[0]);
    });
    return extra.length > 0;
  }

  #take(element) {
    const line = element.previousElementSibling;
    if (line?.matches(".chat-day, .chat-unread")) line.remove();
    element.remove();
  }

  discard(author, clientId) {
    const element = this.sentAs(author, clientId);
    if (!element) return;
    const next = this.#next(element);
    element.remove();
    this.#settle(next);
    this.#empty.hidden = this.length > 0;
  }

  #insert(message) {
    this.sentAs(message.author.id, message.client_id)?.remove();
    const element = this.#messages.make(message);
    if (this.#anchors) element.id = `m${message.n}`;
    const next = this.elements.find(({ dataset }) => !dataset.n || Number(dataset.n) > message.n);
    if (next) (next.previousElementSibling?.matches(".chat-day") ? next.previousElementSibling : next).before(element);
    else this.#list.append(element);
    this.#empty.hidden = true;
    this.#settle(element);
    this.#settle(this.#next(element));
    return element;
  }

  /** A message of one's own that the server has not got yet. */
  putPending({ client_id, text, at, asked }, author) {
    const element = this.#messages.make({ client_id, author, at });
    element.classList.add("is-pending");
    element.classList.toggle("is-question", Boolean(asked));
    element.querySelector(".chat-text").textContent = text;
    this.#list.append(element);
    this.#empty.hidden = true;
    this.#settle(element);
    return element;
  }

  /** A line before the first message of others with a number after `after`; `until` was the newest when the page came. */
  markUnread(after, until, me) {
    this.#unread = { after, until, me };
    this.#placeUnread();
  }

  #placeUnread() {
    if (!this.#unread) return;
    const { after, until, me } = this.#unread;
    this.#list.querySelector(".chat-unread")?.remove();
    const isNew = ({ dataset: { n, author } }) => Number(n) > after && Number(n) <= until && author !== me;
    const first = this.elements.find(isNew);
    if (!first || !(this.#previous(first) || this.first > after)) return;
    const line = document.createElement("li");
    line.className = "chat-unread";
    line.textContent = "New since your last visit";
    const day = first.previousElementSibling;
    (day?.matches(".chat-day") ? day : first).before(line);
    first.classList.remove("is-continued");
  }

  /** While one reads further up, what changes below must not push it away. (Above, nothing moves by itself.) */
  keepingPlace(change) {
    const top = this.#scroller.getBoundingClientRect().top;
    const reading = !this.atEnd && this.elements.find((element) => element.getBoundingClientRect().bottom > top);
    const before = reading ? reading.getBoundingClientRect().top : 0;
    change();
    if (reading?.isConnected) this.#scroller.scrollTop += reading.getBoundingClientRect().top - before;
  }

  #previous(element) {
    let previous = element.previousElementSibling;
    while (previous && !previous.classList.contains("chat-message")) previous = previous.previousElementSibling;
    return previous;
  }

  #next(element) {
    let next = element?.nextElementSibling;
    while (next && !next.classList.contains("chat-message")) next = next.nextElementSibling;
    return next;
  }

  /** Whether a message begins a day or goes on where the one before it stopped. */
  #settle(element) {
    if (!element) return;
    const previous = this.#previous(element);
    const { author, at } = element.dataset;
    const day = localTime(at, "date");
    const newDay = !previous || localTime(previous.dataset.at, "date") !== day;
    const line = element.previousElementSibling;
    if (line?.matches(".chat-day")) line.remove();
    if (newDay) element.before(this.#day(at, day));
    const soon = previous && new Date(at) - new Date(previous.dataset.at) < GROUP;
    const parted = element.previousElementSibling?.matches(".chat-unread");
    const same = !newDay && !parted && soon && previous.dataset.author === author;
    element.classList.toggle("is-continued", same && !element.classList.contains("is-question"));
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
