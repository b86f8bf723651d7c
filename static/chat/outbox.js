// Messages that were written and not yet acknowledged. They are kept in the browser's storage, so they survive a
// broken connection and a reload, and are sent one after the other in the order in which they were written.
// Sending one twice does no harm: the server knows it by its client id.

import { live } from "../live/socket.js";

const RETRY_PAUSE = 3000;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

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
  #key;
  #memory = []; // used where storage is switched off
  #sending = false;

  /** `person`: public id of who writes. `onSent(entry, event)`, `onFailed(entry)` and, for all that are left,
   *  `onWaiting(why)` tell what becomes of them. */
  constructor(person, { onSent, onFailed, onWaiting }) {
    this.#key = `chat.outbox.${person}`;
    this.onSent = onSent;
    this.onFailed = onFailed;
    this.onWaiting = onWaiting;
  }

  /** Entries `{client_id, room, text, at, error?, code?}`, oldest first. Read anew each time: other tabs write them too. */
  entries() {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "[]");
    } catch {
      return this.#memory;
    }
  }

  #write(entries) {
    this.#memory = entries;
    try {
      if (entries.length) localStorage.setItem(this.#key, JSON.stringify(entries));
      else localStorage.removeItem(this.#key);
    } catch {
      // Full or switched off: what is in memory lasts as long as the page.
    }
  }

  #change(clientId, change) {
    this.#write(this.entries().map((entry) => (entry.client_id === clientId ? { ...entry, ...change } : entry)));
  }

  /** At the start of a page: forget what was stored after all; try again what a missing sign-in held up. */
  tidy(isStored) {
    for (const { client_id, code } of this.entries()) {
      if (isStored(client_id)) this.remove(client_id);
      else if (code === "sign_in") this.#change(client_id, { error: null, code: null });
    }
  }

  add(room, text) {
    const entry = { client_id: newId(), room, text, at: new Date().toISOString() };
    this.#write([...this.entries(), entry]);
    return entry;
  }

  remove(clientId) {
    this.#write(this.entries().filter((entry) => entry.client_id !== clientId));
  }

  retry(clientId) {
    this.#change(clientId, { error: null });
    return this.send();
  }

  /** Sends what waits, until nothing does or the connection is lost; call it again when it is back. */
  async send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (;;) {
        const entry = this.entries().find(({ error }) => !error);
        if (!entry || !(await this.#sendOne(entry))) return;
      }
    } finally {
      this.#sending = false;
    }
  }

  async #sendOne(entry) {
    const { client_id, room, text } = entry;
    try {
      const { event } = await live.command("chat.send", { room, client_id, text });
      this.remove(client_id);
      this.onSent(entry, event);
    } catch (error) {
      if (error.lost) {
        this.onWaiting("Waiting for the connection");
        return false;
      }
      if (["rate_limited", "too_fast", "internal", "broker_down"].includes(error.code)) {
        this.onWaiting("Waiting to be sent");
        await sleep(error.retryAfter ? error.retryAfter * 1000 : RETRY_PAUSE);
      } else {
        const failure = { error: error.message, code: error.code };
        this.#change(client_id, failure);
        this.onFailed({ ...entry, ...failure });
      }
    }
    return true;
  }
}
