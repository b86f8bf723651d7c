// A thread beside the room, or over it where there is little room: its root, the replies, a field of its own.

import { live } from "../live/socket.js";
import { Composer } from "./composer.js";
import { show } from "./history.js";
import { Log } from "./log.js";

const PIECE = 100;

export class Thread {
  id = null; // of the root; null while no thread is open
  log;
  composer = null;

  #panel;
  #element;
  #root; // where the root message stands
  #later;
  #opener = null; // what gets the focus back

  constructor(panel) {
    this.#panel = panel;
    this.#element = panel.element.querySelector(".chat-thread");
    this.#root = this.#element.querySelector(".chat-root");
    this.#later = this.#element.querySelector(".chat-later");
    this.log = new Log(this.#element, panel.messages, { list: ".chat-replies-list" });
    this.#element.querySelector(".chat-thread-close").addEventListener("click", (event) => {
      event.preventDefault();
      this.close();
    });
    this.#element.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.#later.addEventListener("click", (event) => {
      event.preventDefault();
      this.#read(this.log.last).catch((error) => panel.say(error.message));
    });
    if (this.#element.dataset.thread) this.id = Number(this.#element.dataset.thread);
  }

  /** Called once the rest of the panel stands. */
  startWriting() {
    const form = this.#element.querySelector(".chat-form");
    if (!form) return;
    this.composer = new Composer(form, {
      room: this.#panel.room,
      me: this.#panel.me,
      longest: this.#panel.longest,
      onTyping: () => this.#panel.presence.tell(this.id),
      onUp: () => this.#panel.editLast(this.log),
      onSend: (text) => {
        this.composer.clear();
        this.#panel.sending.add({ text, thread: this.id });
        this.log.scrollToEnd();
      },
    });
    if (this.id) {
      this.composer.keepAs(this.#draft());
      this.#showAnswer();
      this.#coverRoom();
    }
  }

  #draft() {
    return `chat.draft.${this.#panel.me.id}.${this.#panel.room}.${this.id}`;
  }

  /** Opens the thread of message `id`; `write`: to write in it at once; `n`: the number of the reply that is looked for. */
  async open(id, { write = false, n = null } = {}) {
    if (this.id !== id) {
      this.#opener = document.activeElement;
      this.id = id;
      this.#root.replaceChildren();
      this.log.clear();
      this.#element.hidden = false;
      this.#panel.element.classList.add("has-thread");
      this.composer?.keepAs(this.#draft());
      this.#coverRoom();
      const known = this.#panel.messages.get(id);
      if (known) this.#root.replaceChildren(this.#panel.messages.make(known));
      if (!(await this.#start(id))) return;
      this.#panel.sending?.showAll();
    }
    const reply = n && this.log.numbered(n);
    if (reply) show(reply);
    else this.log.scrollToEnd({ smooth: false });
    if (write && this.composer) this.composer.focus();
    else if (!reply) this.#element.querySelector("#chat-thread-title").focus();
  }

  /** Reads root and replies; what a lost connection prevented is made up for by `resume`. */
  async #start(id) {
    try {
      const root = await this.#read(0);
      if (this.id !== id) return false;
      this.#root.replaceChildren(this.#panel.messages.make(root));
      this.#panel.messages.learnOwn([root]);
      this.#showAnswer();
      return true;
    } catch (error) {
      if (!error.lost) {
        this.#panel.say(error.message);
        this.close();
      }
      return false;
    }
  }

  async #read(after) {
    const id = this.id;
    const { root, events, more } = await live.command("chat.thread", { message: id, after, limit: PIECE });
    if (this.id !== id) return root;
    const replies = events.map((event) => this.#panel.messages.learn(event));
    this.log.putAll(replies);
    this.#later.hidden = !more;
    this.#panel.messages.learnOwn(replies);
    return this.#panel.messages.learn(root);
  }

  /** So much was missed that what is shown may have holes. */
  async startOver() {
    if (!this.id) return;
    this.log.clear();
    if (await this.#start(this.id)) this.#panel.sending?.showAll();
  }

  put(event) {
    if (event.thread !== this.id || !this.#later.hidden) return;
    const { atEnd } = this.log;
    this.log.put(event);
    if (atEnd) this.log.scrollToEnd();
  }

  /** A message changed: the root says which of its replies is the answer. */
  changed(message) {
    if (message.id === this.id) this.#showAnswer();
  }

  #showAnswer() {
    const answer = this.#panel.messages.get(this.id)?.answer;
    for (const element of this.log.elements) {
      element.classList.toggle("is-answer", answer !== null && answer !== undefined && Number(element.dataset.id) === answer);
    }
  }

  /** Over the room, nothing behind it can be reached. */
  #coverRoom() {
    const covers = this.id !== null && getComputedStyle(this.#element).position === "absolute";
    for (const pane of this.#panel.element.querySelectorAll(".chat-main, .chat-questions, .chat-find")) pane.inert = covers;
  }

  close() {
    if (this.id === null) return;
    this.id = null;
    this.#element.hidden = true;
    this.#panel.element.classList.remove("has-thread");
    this.#coverRoom();
    const opener = this.#opener?.isConnected ? this.#opener : this.#panel.element.querySelector(".chat-main .chat-log");
    opener?.focus({ preventScroll: true });
    this.#opener = null;
  }
}
