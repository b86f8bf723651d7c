// One's own messages on their way: shown at once, with what becomes of each.

import { live } from "../live/socket.js";
import { Outbox } from "./outbox.js";

export class Sending {
  #panel;
  #me;
  #outbox;
  #counting = new Map(); // client id -> {entry, until}: what will be sent at a known moment
  #clock = null;

  constructor(panel) {
    this.#panel = panel;
    this.#me = panel.me;
    this.#outbox = new Outbox(panel.me.id, {
      onSent: (entry, event) => entry.room === panel.room && this.#sent(entry, event),
      onFailed: (entry) => this.#ours(entry) && this.#failed(entry),
      onSending: (entry) => this.#ours(entry) && this.#note(entry, "Sending…"),
      onWaiting: (entry, why, until) => this.#ours(entry) && this.#waiting(entry, why, until),
    });
    this.#outbox.tidy((clientId) => panel.log.sentAs(this.#me.id, clientId));
    this.showAll();
  }

  #ours({ room }) {
    return room === this.#panel.room;
  }

  /** Everything of this room that is on its way, where it belongs: after a reload, in an opened thread, in a new log. */
  showAll() {
    for (const entry of this.#outbox.entries()) if (this.#ours(entry)) this.#show(entry);
  }

  add(fields) {
    const entry = this.#outbox.add({ room: this.#panel.room, ...fields });
    this.#show(entry);
    this.send();
  }

  send() {
    return this.#outbox.send();
  }

  /** A message of one's own came from the server, whoever sent it. */
  received({ client_id }) {
    this.#counting.delete(client_id);
    this.#outbox.remove(client_id);
  }

  #logOf({ thread }) {
    if (thread) return this.#panel.thread.id === thread ? this.#panel.thread.log : null;
    return this.#panel.history.detached ? null : this.#panel.log;
  }

  #show(entry) {
    const log = this.#logOf(entry);
    if (log && !log.sentAs(this.#me.id, entry.client_id)) log.putPending(entry, this.#me);
    if (entry.error) this.#failed(entry);
    else this.#note(entry, live.connected ? "Waiting to be sent" : "Waiting for the connection");
  }

  /** The line that says what becomes of a message: below it, or below the root of a thread that is not open. */
  #noteOf(entry) {
    const message = this.#logOf(entry)?.sentAs(this.#me.id, entry.client_id);
    if (message) return message.dataset.n ? null : message.querySelector(".chat-sending");
    if (!entry.thread) return null;
    return this.#panel.element.querySelector(`.chat-main .chat-message[data-id="${entry.thread}"] .chat-sending`);
  }

  #note(entry, text) {
    const note = this.#noteOf(entry);
    if (!note) return null;
    const inPlace = note.closest(".chat-message").dataset.n === undefined;
    note.textContent = inPlace ? text : `Your reply: ${text}`;
    note.hidden = false;
    note.closest(".chat-message").classList.toggle("is-failed", false);
    return note;
  }

  #waiting(entry, why, until) {
    if (until) this.#counting.set(entry.client_id, { entry, until });
    else this.#note(entry, why);
    this.#count();
    this.#clock ??= setInterval(() => this.#count(), 1000);
  }

  #count() {
    for (const [id, { entry, until }] of this.#counting) {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds > 0) this.#note(entry, `This will be sent in ${seconds} s`);
      else this.#counting.delete(id);
    }
    if (this.#counting.size) return;
    clearInterval(this.#clock);
    this.#clock = null;
  }

  #sent(entry, event) {
    this.#counting.delete(entry.client_id);
    this.#note(entry, "");
    this.#panel.apply(event);
    for (const earlier of this.#panel.element.querySelectorAll("[data-n] .chat-sending")) earlier.hidden = true;
    const note = this.#logOf(entry)?.numbered(event.n)?.querySelector(".chat-sending");
    if (!note) return;
    note.textContent = "Sent";
    note.hidden = false;
  }

  #failed(entry) {
    this.#counting.delete(entry.client_id);
    const note = this.#note(entry, `Not sent. ${entry.error} `);
    if (!note) return;
    note.closest(".chat-message").classList.add("is-failed");
    if (entry.code === "sign_in") {
      const signIn = document.createElement("a");
      signIn.href = this.#panel.element.dataset.signIn;
      signIn.textContent = "Sign in";
      note.append(signIn, " ");
    }
    note.append(
      button("Try again", () => {
        this.#note(entry, "Sending…");
        this.#outbox.retry(entry.client_id);
      }),
      " ",
      button("Discard", () => {
        this.#outbox.remove(entry.client_id);
        const log = this.#logOf(entry);
        if (log) log.discard(this.#me.id, entry.client_id);
        else this.#note(entry, "discarded");
        (entry.thread && log ? this.#panel.thread.composer : this.#panel.composer).focus();
      }),
    );
  }
}

function button(text, action) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button button-quiet button-small";
  element.textContent = text;
  element.addEventListener("click", action);
  return element;
}
