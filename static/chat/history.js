// A room's history in its log: it loads backwards and forwards, and any place of it can be gone to. The log holds a piece
// without holes; what is far from what is being read is taken out again, so that a page stays light at any length.

import { live } from "../live/socket.js";

const MOST_SHOWN = 600;
const KEPT = 450;
const PIECE = 50;

export class History {
  #panel;
  #log;
  #earlier;
  #later;
  #loading = false;
  #edges; // watches whether one of the two links comes into view

  /** `detached`: there are later messages than those in the log, so new ones do not belong at its end. */
  detached = false;

  constructor(panel, log) {
    this.#panel = panel;
    this.#log = log;
    const main = panel.element.querySelector(".chat-main");
    this.#earlier = main.querySelector(".chat-earlier");
    this.#later = main.querySelector(".chat-later");
    this.detached = !this.#later.hidden;
    for (const [link, load] of [
      [this.#earlier, () => this.loadEarlier()],
      [this.#later, () => this.loadLater()],
    ]) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        load();
      });
    }
    // Scrolling up to the link is enough.
    this.#edges = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (isIntersecting) (target === this.#earlier ? () => this.loadEarlier() : () => this.loadLater())();
        }
      },
      { root: main.querySelector(".chat-log"), rootMargin: "300px 0px 100px 0px" },
    );
  }

  /** An observer speaks when something changes; asked anew, it also says how things are. */
  watch() {
    this.#edges.disconnect();
    this.#edges.observe(this.#earlier);
    this.#edges.observe(this.#later);
  }

  /** So much was missed that the log begins anew: the messages before the newest are in the history. */
  startOver() {
    this.#log.clear();
    this.#earlier.hidden = false;
    this.#setDetached(false);
  }

  #setDetached(detached) {
    this.detached = detached;
    this.#later.hidden = !detached;
  }

  async #ask(payload) {
    const answer = await live.command("chat.history", { room: this.#panel.room, limit: PIECE, ...payload });
    const messages = answer.events.map((event) => this.#panel.messages.learn(event));
    return { ...answer, messages };
  }

  async #load(link, work) {
    if (this.#loading || link.hidden || !live.connected) return;
    this.#loading = true;
    link.classList.add("is-loading");
    try {
      const messages = await work();
      this.#panel.messages.learnOwn(messages);
      this.watch();
    } catch (error) {
      if (!error.lost) this.#panel.say(error.message);
    } finally {
      this.#loading = false;
      link.classList.remove("is-loading");
    }
  }

  loadEarlier() {
    return this.#load(this.#earlier, async () => {
      const before = this.#log.first || Number.MAX_SAFE_INTEGER;
      const { messages, more } = await this.#ask({ before });
      this.#log.putAll(messages);
      this.#earlier.hidden = !more;
      this.#log.keepingPlace(() => {
        if (this.#log.length > MOST_SHOWN && this.#log.trimEnd(KEPT)) this.#setDetached(true);
      });
      return messages;
    });
  }

  loadLater() {
    return this.#load(this.#later, async () => {
      const { messages, more } = await this.#ask({ after: this.#log.last });
      this.#log.putAll(messages);
      // What came while this was read is known by its number, and read next.
      this.#log.keepingPlace(() => this.#setDetached(more || this.#panel.newestMessage > this.#log.last));
      if (this.#log.length > MOST_SHOWN && this.#log.trimStart(KEPT)) this.#earlier.hidden = false;
      return messages;
    });
  }

  /** Shows message number `n`, wherever it stands, and says which thread it is in: a reply's place is its root's. */
  async goTo(n) {
    let element = this.#log.numbered(n);
    let thread = null;
    if (!element) {
      try {
        const { messages, more, later, at, thread: root } = await this.#ask({ around: n });
        thread = root;
        element = this.#log.numbered(at);
        if (!element) {
          this.#log.clear();
          this.#log.putAll(messages);
          this.#earlier.hidden = !more;
          this.#setDetached(later);
          this.#panel.messages.learnOwn(messages);
          element = this.#log.numbered(at);
        }
      } catch (error) {
        this.#panel.say(error.message);
        return null;
      }
    }
    if (element) show(element);
    else this.#panel.say("There is no such message here any more.");
    this.watch();
    return thread;
  }

  async toNewest() {
    if (this.detached) {
      try {
        const { messages, more } = await this.#ask({ before: Number.MAX_SAFE_INTEGER });
        this.#log.clear();
        this.#log.putAll(messages);
        this.#earlier.hidden = !more;
        this.#setDetached(this.#panel.newestMessage > this.#log.last);
        this.#panel.messages.learnOwn(messages);
        this.#panel.sending?.showAll();
      } catch (error) {
        this.#panel.say(error.message);
        return;
      }
      this.watch();
    }
    this.#log.scrollToEnd({ smooth: !this.detached });
  }
}

/** Brings a message into view and marks it for a moment. */
export function show(element) {
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  element.classList.add("is-shown");
  setTimeout(() => element.classList.remove("is-shown"), 4000);
}
