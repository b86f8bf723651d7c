// One websocket per tab for all topics of a page and its commands. docs/protocol.md has the frames.
//
//   const following = live.subscribe("room:paper:x", { after: 12, onEvents, onState });  following.close();
//   const answer = await live.command("chat.send", { room, client_id, text });
//
// States: "connecting" (no connection yet, or lost and being made again), "live", "delayed" (connected, but the
// server gets no news at the moment) and "refused" (with the error; nothing more comes). A lost connection is made
// again after a growing, random pause; every topic then resumes behind the last number that was seen.

const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 20000;
const ANSWER_WITHIN = 15000;

/** Why a command failed: `code` for programs, `message` for people; `lost` where it may be sent again as it is. */
export class LiveError extends Error {
  constructor({ code, message, retry_after: retryAfter }) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
    this.lost = code === "lost";
  }
}

const lost = () => new LiveError({ code: "lost", message: "The connection was lost." });

class Live {
  #socket = null;
  #followers = new Map(); // topic -> Set of followers
  #waiting = new Map(); // id of a frame -> {resolve, reject, timer}
  #nextId = 1;
  #pause = FIRST_PAUSE;
  #timer = null;
  #asleep = false;

  constructor() {
    addEventListener("online", () => this.#connectNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#connectNow());
    // A page with an open socket is not kept for the back button.
    addEventListener("pagehide", () => {
      this.#asleep = true;
      this.#socket?.close();
    });
    addEventListener("pageshow", ({ persisted }) => {
      this.#asleep = false;
      if (persisted) this.#connectNow();
    });
  }

  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Follows a topic: `onEvents` gets the logged events after `after` in order and once each, and transient ones. */
  subscribe(topic, { after = null, onEvents, onState = () => {} }) {
    const follower = { last: after, onEvents, onState, state: null };
    if (!this.#followers.has(topic)) this.#followers.set(topic, new Set());
    const followers = this.#followers.get(topic);
    followers.add(follower);
    this.#tell(follower, "connecting");
    if (this.connected) this.#resume(topic);
    else this.#connect();
    return {
      close: () => {
        if (!followers.delete(follower) || followers.size) return;
        if (this.#followers.get(topic) === followers) this.#followers.delete(topic);
        if (this.connected) this.#ask({ do: "unsubscribe", topic }).catch(() => {});
      },
    };
  }

  /** Carries out a command; resolves to its answer. Rejects with a LiveError, at once where there is no connection. */
  command(name, payload) {
    if (this.connected) return this.#ask({ do: name, payload });
    this.#connect();
    return Promise.reject(lost());
  }

  #connectNow() {
    if (this.#socket || !(this.#followers.size || this.#timer)) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#pause = FIRST_PAUSE;
    this.#connect();
  }

  #connect() {
    if (this.#socket || this.#timer || this.#asleep) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/live/`);
    this.#socket = socket;
    let openedAt = 0;
    socket.onopen = () => {
      openedAt = Date.now();
      for (const topic of this.#followers.keys()) this.#resume(topic);
    };
    socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(JSON.parse(data));
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      // One that lasted was not refused: the next try may come soon.
      if (openedAt && Date.now() - openedAt > 5000) this.#pause = FIRST_PAUSE;
      this.#dropped();
    };
  }

  /** The connection is gone, or as good as gone: whoever waits is told, and another is made after a pause. */
  #dropped() {
    this.#socket = null;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(lost());
    }
    this.#waiting.clear();
    for (const followers of this.#followers.values()) {
      for (const follower of followers) this.#tell(follower, "connecting");
    }
    if (this.#asleep) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#connect();
    }, this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
  }

  #ask(frame) {
    const id = this.#nextId++;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // No answer: the line is dead, whether or not the browser knows it yet.
        if (this.#socket !== socket) return;
        socket.onclose = null;
        socket.close();
        this.#dropped();
      }, ANSWER_WITHIN);
      this.#waiting.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ id, ...frame }));
    });
  }

  #receive(frame) {
    if (frame.topic) {
      if (frame.error) this.#refuse(frame.topic, new LiveError(frame.error)); // the permission was taken back
      else this.#hand(frame.topic, frame.events);
      return;
    }
    const waiting = this.#waiting.get(frame.id);
    if (!waiting) return;
    this.#waiting.delete(frame.id);
    clearTimeout(waiting.timer);
    if (frame.error) waiting.reject(new LiveError(frame.error));
    else waiting.resolve(frame.ok);
  }

  /** Asks for a topic behind what the follower who has seen least has seen. */
  async #resume(topic) {
    const followers = this.#followers.get(topic);
    if (!followers) return;
    const seen = [...followers].map(({ last }) => last);
    const after = seen.includes(null) ? null : Math.min(...seen);
    try {
      const { events } = await this.#ask({ do: "subscribe", topic, after });
      for (const follower of followers) {
        this.#tell(follower, events.some(({ type }) => type === "offline") ? "delayed" : "live");
      }
      this.#hand(topic, events);
    } catch (error) {
      if (error.lost) return; // the next connection asks again
      if (error.code !== "too_fast" && error.code !== "internal") return this.#refuse(topic, error);
      for (const follower of followers) this.#tell(follower, "refused", error);
      setTimeout(() => this.connected && this.#followers.has(topic) && this.#resume(topic), 3000);
    }
  }

  /** Nothing more comes of this topic, and this connection does not ask for it again. */
  #refuse(topic, error) {
    const followers = this.#followers.get(topic) ?? [];
    this.#followers.delete(topic);
    for (const follower of followers) this.#tell(follower, "refused", error);
  }

  #hand(topic, events) {
    const offline = events.findLast(({ type }) => type === "offline" || type === "online");
    for (const follower of this.#followers.get(topic) ?? []) {
      const news = events.filter(({ n, type }) => (n ? n > (follower.last ?? 0) : type !== "offline" && type !== "online"));
      const last = news.findLast(({ n }) => n);
      follower.last = last ? last.n : (follower.last ?? 0);
      if (news.length) follower.onEvents(news);
      if (offline) this.#tell(follower, offline.type === "offline" ? "delayed" : "live");
    }
  }

  #tell(follower, state, error = null) {
    if (follower.state === state) return;
    follower.state = state;
    follower.onState(state, error);
  }
}

export const live = new Live();
