// Messages that were written and not yet acknowledged. They are kept in the browser's storage, so they survive a
// broken connection, a reload and a restart of the server, and are sent one after the other in the order in which they
// were written. Sending one twice does no harm: the server knows it by its client id. Each has a key of its own, so that
// two tabs never write over each other's.

import { live } from "../live/socket.js";
import { keysOf, load, save } from "./storage.js";

const RETRY_PAUSE = 3000;
const MOST_TRIES = 6; // of a message that the server cannot take for reasons of its own
const EVERYWHERE = "*";

function newId() {
  // randomUUID exists on https and localhost only.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Outbox {
  #prefix;
  #sending = false;
  #paused = new Map(); // room, or all of them -> moment until which nothing is sent there
  #tries = new Map(); // client id -> how often the server could not take it
  #timer = null;

  /** `person`: public id of who writes. `onSent(entry, event)`, `onFailed(entry)`, `onSending(entry)` and
   *  `onWaiting(entry, why, until)` tell what becomes of each; `until` is a moment, where one is known. */
  constructor(person, { onSent, onFailed, onSending, onWaiting }) {
    this.#prefix = `chat.outbox.${person}.`;
    Object.assign(this, { onSent, onFailed, onSending, onWaiting });
  }

  /** Entries `{client_id, room, text, asked, thread, at, error?, code?}`, oldest first. Read anew: other tabs write, too. */
  entries() {
    return keysOf(this.#prefix).flatMap((key) => {
      try {
        return [{ ...JSON.parse(load(key)), key }];
      } catch {
        return []; // another tab has just removed it
      }
    });
  }

  find(clientId) {
    return this.entries().find(({ client_id }) => client_id === clientId);
  }

  #change(clientId, change) {
    const entry = this.find(clientId);
    if (!entry) return;
    const { key, ...rest } = { ...entry, ...change };
    save(key, JSON.stringify(rest));
  }

  /** At the start of a page: forget what was stored after all; try again what a missing sign-in held up. */
  tidy(isStored) {
    for (const { client_id, code } of this.entries()) {
      if (isStored(client_id)) this.remove(client_id);
      else if (code === "sign_in") this.#change(client_id, { error: null, code: null });
    }
  }

  add({ room, text, asked = false, thread = null }) {
    const last = Number.parseInt(this.entries().at(-1)?.key.slice(this.#prefix.length) ?? "0", 36);
    const place = Math.max(Date.now(), last + 1).toString(36).padStart(9, "0"); // also when the clock was set back
    const entry = { client_id: newId(), room, text, asked, thread, at: new Date().toISOString() };
    save(`${this.#prefix}${place}.${entry.client_id}`, JSON.stringify(entry));
    return entry;
  }

  remove(clientId) {
    const entry = this.find(clientId);
    if (entry) save(entry.key, "");
    this.#tries.delete(clientId);
  }

  retry(clientId) {
    this.#change(clientId, { error: null, code: null });
    this.#paused.clear();
    return this.send();
  }

  #pause(where, seconds) {
    this.#paused.set(where, Date.now() + (seconds ? seconds * 1000 : RETRY_PAUSE));
  }

  #pausedUntil(room) {
    const until = Math.max(this.#paused.get(room) ?? 0, this.#paused.get(EVERYWHERE) ?? 0);
    return until > Date.now() ? until : null;
  }

  /** Sends what waits, until nothing does or the connection is lost; call it again when it is back. */
  async send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (;;) {
        const entry = this.entries().find(({ error, room }) => !error && !this.#pausedUntil(room));
        if (!entry || !(await this.#sendOne(entry))) break;
      }
    } finally {
      this.#sending = false;
    }
    this.#wakeUp();
  }

  #wakeUp() {
    clearTimeout(this.#timer);
    const waiting = this.entries().filter(({ error }) => !error);
    const moments = waiting.map(({ room }) => this.#pausedUntil(room)).filter(Boolean);
    if (moments.length) this.#timer = setTimeout(() => this.send(), Math.min(...moments) - Date.now() + 50);
  }

  /** What waits behind a message waits for the same reason. */
  #tellWaiting(room, why, until = null) {
    for (const entry of this.entries()) {
      if (!entry.error && (room === EVERYWHERE || entry.room === room)) this.onWaiting(entry, why, until);
    }
  }

  async #sendOne(entry) {
    const { client_id, room, text, asked, thread } = entry;
    this.onSending(entry);
    try {
      const { event } = await live.command("chat.send", { room, client_id, text, asked: Boolean(asked), thread: thread ?? null });
      this.remove(client_id);
      this.onSent(entry, event);
    } catch (error) {
      if (error.lost) {
        this.#tellWaiting(EVERYWHERE, "Waiting for the connection");
        return false;
      }
      this.#refused(entry, error);
    }
    return true;
  }

  #refused(entry, error) {
    const { client_id, room } = entry;
    const tries = (this.#tries.get(client_id) ?? 0) + 1;
    if (error.code === "slow_mode") {
      this.#pause(room, error.retryAfter);
      this.#tellWaiting(room, error.message, this.#pausedUntil(room));
    } else if (["rate_limited", "too_fast", "broker_down"].includes(error.code)) {
      this.#pause(EVERYWHERE, error.retryAfter);
      this.#tellWaiting(EVERYWHERE, error.message, this.#pausedUntil(room));
    } else if (error.code === "internal" && tries < MOST_TRIES) {
      this.#tries.set(client_id, tries);
      this.#pause(EVERYWHERE, 2 ** tries);
      this.#tellWaiting(EVERYWHERE, "Waiting to be sent", this.#pausedUntil(room));
    } else {
      const failure = { error: error.message, code: error.code };
      this.#change(client_id, failure);
      this.onFailed({ ...entry, ...failure });
    }
  }
}
