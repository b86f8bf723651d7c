// What was read: the line above what is new, the count of what came while one reads further up, and the mark that other
// devices go by.

import { live } from "../live/socket.js";

const FIRST_AFTER = 1500; // milliseconds
const EVERY = 20000; // and up to as much again, so that a full room does not write all at once

export class Unread {
  #panel;
  #button;
  #count = 0;
  #told; // the number the server knows
  #timer = null;

  constructor(panel) {
    this.#panel = panel;
    const { read, last } = panel.element.dataset;
    this.#told = Number(read ?? 0);
    this.#button = panel.element.querySelector(".chat-new");
    this.#button.addEventListener("click", () => {
      this.#read();
      panel.history.toNewest();
    });
    panel.element.querySelector(".chat-main .chat-log").addEventListener("scroll", () => this.look(), { passive: true });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#tellNow();
      else this.look();
    });
    if (panel.me && read !== undefined) panel.log.markUnread(Number(read), Number(last), panel.me.id);
  }

  /** A message of somebody else came; `atEnd`: the log stood at its end before. */
  came(atEnd) {
    if (!atEnd || document.hidden || this.#panel.history.detached) this.#count += 1;
  }

  look() {
    if (this.#panel.log.atEnd && !this.#panel.history.detached && !document.hidden) this.#read();
    else this.#show();
  }

  #read() {
    this.#count = 0;
    this.#show();
    if (!this.#panel.me || this.#panel.newest <= this.#told || this.#timer) return;
    const wait = this.#timer === null ? FIRST_AFTER : EVERY + Math.random() * EVERY;
    this.#timer = setTimeout(() => this.#tellNow(), wait);
  }

  #show() {
    const { history, log } = this.#panel;
    const far = history.detached || !log.atEnd;
    this.#button.hidden = !far || (!this.#count && !history.detached);
    const words = this.#count === 1 ? "1 new message" : `${this.#count} new messages`;
    this.#button.textContent = this.#count ? words : "Newest messages";
  }

  async #tellNow() {
    const { me, newest, log, history, room } = this.#panel;
    clearTimeout(this.#timer);
    if (!me || newest <= this.#told || !log.atEnd || history.detached || !live.connected) {
      this.#timer = this.#timer === null ? null : 0;
      return;
    }
    this.#told = newest;
    this.#timer = setTimeout(() => {
      this.#timer = 0; // not the first any more
      this.look();
    }, EVERY + Math.random() * EVERY);
    try {
      await live.command("chat.read", { room, number: newest });
    } catch {
      this.#told = 0; // told again with what comes next
    }
  }
}
