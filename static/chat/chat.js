// A chat panel (templates/chat/panel.html): live messages, history, and a form whose messages are never lost.

import { live } from "../live/socket.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";

const WARN_AT = 500; // characters left

class Panel {
  #panel;
  #room;
  #me;
  #log;
  #outbox = null;
  #unread = 0;
  #loading = false;
  #edge = null; // watches whether the link to earlier messages comes into view

  constructor(panel) {
    const { chat, me, name, role, last, longest } = panel.dataset;
    this.#panel = panel;
    this.#room = chat;
    this.#me = me ? { id: me, name, role } : null;
    this.#log = new Log(panel);
    this.longest = Number(longest);
    panel.classList.add("is-live");

    this.#startHistory();
    this.#part(".chat-new").addEventListener("click", () => this.#log.scrollToEnd());
    this.#part(".chat-log").addEventListener("scroll", () => this.#log.atEnd && this.#read(), { passive: true });
    if (this.#me && this.#part(".chat-form")) this.#startWriting();
    live.subscribe(`room:${this.#room}`, {
      after: Number(last),
      onEvents: (events) => this.#show(events),
      onState: (state, error) => this.#showState(state, error),
    });
  }

  #part(selector) {
    return this.#panel.querySelector(selector);
  }

  // --- Reading ---------------------------------------------------------------------------------------------------

  #show(events) {
    const atEnd = this.#log.atEnd;
    for (const event of events) {
      if (event.type === "gap") this.#startOver();
      if (event.type !== "message") continue;
      const mine = event.author.id === this.#me?.id;
      if (mine) this.#outbox?.remove(event.client_id);
      if (this.#log.put(event) && !mine && (!atEnd || document.hidden)) this.#unread += 1;
    }
    this.#showUnread();
  }

  /** So much was missed that only the newest came: earlier ones are read again from the history. */
  #startOver() {
    this.#log.clear();
    this.#part(".chat-earlier").hidden = false;
    for (const entry of this.#pending()) this.#showPending(entry);
  }

  #showState(state, error) {
    const text = {
      connecting: "Connecting…",
      live: "",
      delayed: "Live news is interrupted; messages are kept and will appear.",
      refused: error?.message ?? "",
    }[state];
    this.#part(".chat-state").textContent = text;
    this.#panel.dataset.state = state;
    if (state !== "live" && state !== "delayed") return;
    this.#outbox?.send();
    this.#watchEdge();
  }

  #showUnread() {
    const button = this.#part(".chat-new");
    button.hidden = this.#unread === 0 || this.#log.atEnd;
    button.textContent = this.#unread === 1 ? "1 new message" : `${this.#unread} new messages`;
  }

  #read() {
    this.#unread = 0;
    this.#showUnread();
  }

  #startHistory() {
    const earlier = this.#part(".chat-earlier");
    earlier.addEventListener("click", (event) => {
      event.preventDefault();
      this.#loadEarlier();
    });
    // Scrolling up to the link is enough.
    this.#edge = new IntersectionObserver(([entry]) => entry.isIntersecting && this.#loadEarlier(), {
      root: this.#part(".chat-log"),
      rootMargin: "300px 0px 0px 0px",
    });
  }

  /** An observer speaks when something changes; asked anew, it also says how things are. */
  #watchEdge() {
    this.#edge.disconnect();
    this.#edge.observe(this.#part(".chat-earlier"));
  }

  async #loadEarlier() {
    const before = this.#log.first;
    if (this.#loading || before <= 1 || !live.connected) return;
    this.#loading = true;
    const earlier = this.#part(".chat-earlier");
    earlier.classList.add("is-loading");
    try {
      const { events, more } = await live.command("chat.history", { room: this.#room, before, limit: 50 });
      this.#log.putBefore(events);
      earlier.hidden = !more;
      this.#watchEdge();
    } catch (error) {
      if (!error.lost) this.#part(".chat-state").textContent = error.message;
    } finally {
      this.#loading = false;
      earlier.classList.remove("is-loading");
    }
  }

  // --- Writing -----------------------------------------------------------------------------------------------------

  #startWriting() {
    this.#outbox = new Outbox(this.#me.id, {
      onSent: (entry, event) => {
        if (entry.room === this.#room) this.#showSent(event);
      },
      onFailed: (entry) => this.#showFailed(entry),
      onWaiting: (why) => {
        for (const entry of this.#pending()) if (!entry.error) this.#note(entry, why); // they go in order: all wait
      },
    });
    this.#outbox.tidy((clientId) => this.#log.sentAs(this.#me.id, clientId));
    for (const entry of this.#pending()) this.#showPending(entry);

    const form = this.#part(".chat-form");
    const text = form.elements.text;
    const draft = `chat.draft.${this.#room}`;
    text.value ||= stored(draft);
    text.addEventListener("input", () => {
      store(draft, text.value);
      this.#count(text.value);
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const written = text.value.trim();
      if (!written || [...written].length > this.longest) return;
      text.value = "";
      store(draft, "");
      this.#count("");
      form.querySelector(".notice")?.remove();
      this.#showPending(this.#outbox.add(this.#room, written));
      this.#log.scrollToEnd();
      this.#outbox.send();
    });
    this.#count(text.value);
  }

  #count(text) {
    const left = this.longest - [...text.trim()].length;
    const count = this.#part(".chat-count");
    count.textContent = left < 0 ? `${-left} characters too long` : left < WARN_AT ? `${left} characters left` : "";
    count.classList.toggle("is-over", left < 0);
    this.#part(".chat-form [type=submit]").disabled = left < 0;
  }

  #pending() {
    return this.#outbox?.entries().filter(({ room }) => room === this.#room) ?? [];
  }

  #showPending(entry) {
    this.#log.putPending(entry, this.#me);
    if (entry.error) this.#showFailed(entry);
    else this.#note(entry, live.connected ? "Sending…" : "Waiting for the connection");
  }

  /** The line below a pending message that says what becomes of it. */
  #noteOf(entry) {
    const message = this.#log.sentAs(this.#me.id, entry.client_id);
    return message && !message.dataset.n ? message.querySelector(".chat-sending") : null;
  }

  #showSent(event) {
    const message = this.#log.put(event) ?? this.#log.numbered(event.n);
    for (const earlier of this.#panel.querySelectorAll("[data-n] .chat-sending")) earlier.hidden = true;
    const note = message.querySelector(".chat-sending");
    note.textContent = "Sent";
    note.hidden = false;
  }

  #note(entry, text) {
    const note = this.#noteOf(entry);
    if (!note) return;
    note.textContent = text;
    note.hidden = false;
    note.closest(".chat-message").classList.remove("is-failed");
  }

  #showFailed(entry) {
    this.#note(entry, `Not sent. ${entry.error} `);
    const note = this.#noteOf(entry);
    if (!note) return;
    note.closest(".chat-message").classList.add("is-failed");
    const signIn = document.createElement("a");
    signIn.href = this.#panel.dataset.signIn;
    signIn.textContent = "Sign in";
    if (entry.code === "sign_in") note.append(signIn);
    note.append(
      button("Try again", () => {
        this.#note(entry, "Sending…");
        this.#outbox.retry(entry.client_id);
      }),
      " ",
      button("Discard", () => {
        this.#outbox.remove(entry.client_id);
        this.#log.discard(this.#me.id, entry.client_id);
        this.#part(".chat-form").elements.text.focus();
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

function stored(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function store(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // Storage is full or switched off: the draft lasts as long as the page.
  }
}

for (const panel of document.querySelectorAll("[data-chat]")) new Panel(panel);
