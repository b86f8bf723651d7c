// A chat panel (templates/chat/panel.html). This module brings its parts together; each has a file of its own.

import { live } from "../live/socket.js";
import { Composer } from "./composer.js";
import { edit } from "./edit.js";
import { Find } from "./find.js";
import { History, show } from "./history.js";
import { Log } from "./log.js";
import { Menu } from "./menu.js";
import { Messages } from "./messages.js";
import { Pins } from "./pins.js";
import { Presence } from "./presence.js";
import { Questions } from "./questions.js";
import { Sending } from "./sending.js";
import { Tabs } from "./tabs.js";
import { Thread } from "./thread.js";
import { Unread } from "./unread.js";

const SAID_FOR = 8000; // milliseconds

class Panel {
  #stateText = "";
  #saying = null;

  constructor(element) {
    const { chat, me, name, role, last, longest, address } = element.dataset;
    this.element = element;
    this.room = chat;
    this.address = address;
    this.me = me ? { id: me, name, role } : null;
    this.mayWrite = Boolean(this.me && element.querySelector(".chat-main .chat-form"));
    this.moderates = "moderates" in element.dataset;
    this.longest = Number(longest);
    this.newest = Number(last); // number of the newest thing that happened
    this.newestMessage = 0; // number of the newest message in the room itself
    element.classList.add("is-live");

    this.messages = new Messages(element, { me: this.me, address, mayWrite: this.mayWrite });
    this.log = new Log(element.querySelector(".chat-main"), this.messages);
    this.history = new History(this, this.log);
    this.thread = new Thread(this);
    this.tabs = new Tabs(element);
    this.tabs.onShow("messages", () => this.history.watch());
    this.questions = new Questions(this);
    this.find = new Find(this);
    this.pins = new Pins(this);
    this.presence = new Presence(this);
    this.unread = new Unread(this);
    this.menu = new Menu(this);
    this.sending = null;
    this.composer = null;
    if (this.mayWrite) this.#startWriting();
    live.subscribe(`room:${this.room}`, {
      after: this.newest,
      onEvents: (events) => this.#hear(events),
      onState: (state, error) => this.#showState(state, error),
    });
    this.#goToAddress();
    addEventListener("hashchange", () => this.#goToAddress());
  }

  #startWriting() {
    const form = this.element.querySelector(".chat-main .chat-form");
    this.composer = new Composer(form, {
      room: this.room,
      me: this.me,
      longest: this.longest,
      onTyping: () => this.presence.tell(),
      onUp: () => this.editLast(this.log),
      onSend: async (text, { elements: { asked } }) => {
        this.composer.clear();
        const question = asked.checked;
        asked.checked = false;
        if (this.history.detached) await this.history.toNewest();
        this.sending.add({ text, asked: question });
        this.log.scrollToEnd();
      },
    });
    this.composer.keepAs(`chat.draft.${this.me.id}.${this.room}`);
    this.sending = new Sending(this);
    this.thread.startWriting();
  }

  /** Opens the newest of one's own messages for a change. */
  editLast(log) {
    const own = log.elements.findLast((element) => {
      const message = this.messages.of(element);
      return message && this.messages.isMine(message) && !message.gone;
    });
    if (own) edit(this, own);
  }

  // --- What the server tells ---------------------------------------------------------------------------------------

  #hear(events) {
    const { atEnd } = this.log;
    for (const event of events) {
      if (event.n) this.newest = Math.max(this.newest, event.n);
      if (event.type === "gap") this.#startOver();
      else this.apply(event);
      if (event.type === "message" && !event.thread) this.#came(event, atEnd);
    }
    this.unread.look();
  }

  /** A message or a change: from the room's topic, or the answer to one's own command. Either may come first. */
  apply(event) {
    if (event.type === "message") this.#message(event);
    else if (event.type === "change") this.#change(event);
  }

  #message(event) {
    const message = this.messages.learn(event);
    if (this.messages.isMine(event)) this.sending?.received(event);
    this.presence.stopped(event.author.id);
    if (event.thread) this.thread.put(message);
    else if (!this.history.detached) this.log.put(message);
  }

  /** The topic tells each message once. */
  #came(event, atEnd) {
    this.newestMessage = Math.max(this.newestMessage, event.n);
    if (!this.messages.isMine(event)) this.unread.came(atEnd);
    this.questions.put(event);
  }

  #change({ n, message }) {
    const before = this.messages.get(message.id);
    let isNew = false;
    this.log.keepingPlace(() => (isNew = this.messages.change(n, message)));
    if (!isNew) return;
    this.thread.changed(message);
    this.pins.changed(message);
    this.questions.changed(message, before);
  }

  /** So much was missed that only the newest came: everything is read again. */
  #startOver() {
    this.history.startOver();
    this.sending?.showAll();
    this.thread.startOver();
    this.pins.startOver();
    this.questions.startOver();
  }

  // --- What the viewer is told -------------------------------------------------------------------------------------

  #showState(state, error) {
    this.#stateText = {
      connecting: "Connecting…",
      live: "",
      delayed: "Live news is interrupted; messages are kept and will appear.",
      refused: error?.message ?? "",
    }[state];
    this.element.dataset.state = state;
    if (!this.#saying) this.element.querySelector(".chat-state").textContent = this.#stateText;
    if (state !== "live" && state !== "delayed") return;
    this.sending?.send();
    this.history.watch();
    this.unread.look();
  }

  /** A sentence in the panel's status line, for a while. */
  say(text) {
    clearTimeout(this.#saying);
    const line = this.element.querySelector(".chat-state");
    line.textContent = text;
    this.#saying = setTimeout(() => {
      this.#saying = null;
      line.textContent = this.#stateText;
    }, SAID_FOR);
  }

  // --- Places ------------------------------------------------------------------------------------------------------

  /** Goes to message number `n`; to a reply, in its thread. */
  async goTo(n) {
    const reply = this.thread.log.numbered(n);
    if (reply) return show(reply);
    this.tabs.show("messages");
    const thread = await this.history.goTo(n);
    if (thread) await this.thread.open(thread, { n });
    return undefined;
  }

  #goToAddress() {
    const n = Number(/^#m(\d+)$/.exec(location.hash)?.[1] ?? 0);
    if (!n) return;
    const element = this.thread.log.numbered(n) ?? this.log.numbered(n);
    if (element) show(element);
    else this.#whenLive(() => this.goTo(n));
  }

  #whenLive(action) {
    if (live.connected) action();
    else setTimeout(() => this.#whenLive(action), 200);
  }
}

for (const element of document.querySelectorAll("[data-chat]")) new Panel(element);
