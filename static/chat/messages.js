// Messages as elements of the page: made from the panel's template, filled from what the server says, and kept up to
// date wherever they are shown (the log, a thread, the list of questions).

import { live } from "../live/socket.js";
import { showCards } from "../site/cards.js";
import { localTime } from "../site/time.js";

const HUES = 12;
const MOST_REMEMBERED = 500; // changes of messages that are not shown now, and may be loaded in a moment

// Words that chat/panel.py uses, too.
const GONE = { deleted: "This message was deleted.", hidden: "This message was hidden by a moderator." };
const ASKED = { open: "Question", answered: "Answered question", live: "Question, answered in the session" };
export const EMOJI = {
  "👍": "Thumbs up",
  "❤️": "Heart",
  "😄": "Laughing",
  "🎉": "Hooray",
  "🤔": "Thinking",
  "👀": "Looking at it",
  "🙏": "Thank you",
  "✅": "Done",
};

const hueOf = (id) => parseInt(id.slice(0, 8) || "0", 16) % HUES;

function initialsOf(name) {
  const words = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0]).join("").toUpperCase();
}

/** The words of a message without its form, for a line. */
export function plainText(html, longest = 160) {
  const text = new DOMParser().parseFromString(html, "text/html").body.textContent.trim().replace(/\s+/g, " ");
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

export class Messages {
  #panel;
  #template;
  #me;
  #address;
  #mayWrite;
  #known = new Map(); // id -> the newest state known of a message that is or was shown
  #version = new Map(); // id -> number of the change that state is from
  #own = new Map(); // id -> {voted, reactions} of the viewer

  constructor(panel, { me, address, mayWrite }) {
    this.#panel = panel;
    this.#template = panel.querySelector(".chat-template");
    this.#me = me;
    this.#address = address;
    this.#mayWrite = mayWrite;
    for (const element of panel.querySelectorAll(".chat-message[data-state]")) this.#adopt(element);
  }

  /** What is known of the message an element shows; null for one that is on its way. */
  of(element) {
    return this.#known.get(Number(element?.dataset.id)) ?? null;
  }

  get(id) {
    return this.#known.get(id) ?? null;
  }

  ownOf(id) {
    return this.#own.get(id) ?? { voted: false, reactions: [] };
  }

  isMine(message) {
    return Boolean(this.#me) && message.author.id === this.#me.id;
  }

  /** One that the server rendered. */
  #adopt(element) {
    const message = JSON.parse(element.dataset.state);
    element.removeAttribute("data-state");
    element.dataset.id = message.id;
    this.#known.set(message.id, { html: element.querySelector(".chat-text").innerHTML, ...message });
    showCards(element.querySelector(".chat-text"));
    if (element.dataset.own) this.#own.set(message.id, JSON.parse(element.dataset.own));
    this.#decorate(element, message);
  }

  #decorate(element, message) {
    element.classList.toggle("is-mine", this.isMine(message));
    for (const name of element.querySelectorAll(".mention")) {
      name.classList.toggle("is-me", name.dataset.person === this.#me?.id);
    }
    element.querySelector(".chat-link").tabIndex = -1; // its address is in the menu, too: no stop at every message
  }

  /** The text as it was typed: with what comes over the socket, else the server is asked. */
  async textOf(id) {
    const known = this.#known.get(id);
    if (known && known.text !== undefined) return known.text;
    const { root } = await live.command("chat.thread", { message: id, limit: 1 });
    this.learn(root);
    return root.text;
  }

  /** Takes note of a message that was read; one of which a later change is known stays as it is. */
  learn(message) {
    if (!this.#version.has(message.id)) this.#known.set(message.id, message);
    return this.#known.get(message.id);
  }

  /** A change that took number `n`: every element that shows the message is filled anew. False where it is old news. */
  change(n, message) {
    if (n <= (this.#version.get(message.id) ?? 0)) return false;
    this.#version.set(message.id, n);
    this.#known.set(message.id, message);
    const elements = this.#panel.querySelectorAll(`.chat-message[data-id="${message.id}"]`);
    for (const element of elements) this.fill(element, message);
    if (!elements.length) this.#forgetOldest();
    return true;
  }

  #forgetOldest() {
    if (this.#version.size <= MOST_REMEMBERED) return;
    for (const id of this.#version.keys()) {
      if (this.#panel.querySelector(`.chat-message[data-id="${id}"]`)) continue;
      this.#version.delete(id);
      this.#known.delete(id);
      return;
    }
  }

  /** Asks which of these messages the viewer voted for and reacted to: the messages themselves do not say. */
  async learnOwn(messages) {
    const ids = messages.filter(({ votes, reactions }) => votes || Object.keys(reactions ?? {}).length).map(({ id }) => id);
    if (!this.#me || !ids.length) return;
    try {
      const { messages: found } = await live.command("chat.mine", { messages: ids.slice(-100) });
      for (const { id, voted, reactions } of found) this.setOwn(id, { voted, reactions });
    } catch {
      // Without it the buttons only do not show what is one's own.
    }
  }

  setOwn(id, change) {
    this.#own.set(id, { ...this.ownOf(id), ...change });
    const message = this.#known.get(id);
    if (!message) return;
    for (const element of this.#panel.querySelectorAll(`.chat-message[data-id="${id}"]`)) this.fill(element, message);
  }

  /** An element for a message; `message` may be a pending one, which has no number yet. */
  make(message) {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    const { author, client_id, at } = message;
    Object.assign(element.dataset, { author: author.id, client: client_id, at });
    const avatar = element.querySelector(".chat-avatar");
    avatar.className = `chat-avatar hue-${hueOf(author.id)}`;
    avatar.textContent = initialsOf(author.name);
    element.querySelector(".chat-name").textContent = author.name;
    const role = element.querySelector(".chat-role");
    role.hidden = !author.role;
    role.textContent = author.role ? author.role[0].toUpperCase() + author.role.slice(1) : "";
    const time = element.querySelector("time");
    time.dateTime = at;
    time.textContent = localTime(at, "time");
    if (!message.n) {
      element.querySelector(".chat-below").hidden = true;
      return element;
    }
    element.dataset.n = message.n;
    element.dataset.id = message.id;
    element.querySelector(".chat-link").href = `${this.#address}?around=${message.n}#m${message.n}`;
    this.fill(element, message);
    return element;
  }

  /** Everything that can change. */
  fill(element, message) {
    const { id, asked, gone, replies, thread } = message;
    const own = this.ownOf(id);
    element.classList.toggle("is-question", Boolean(asked));
    element.classList.toggle("is-gone", Boolean(gone));
    element.querySelector(".chat-edited").hidden = !message.edited || Boolean(gone);
    element.querySelector(".chat-pinned").hidden = !message.pinned;
    const label = element.querySelector(".chat-asked");
    label.hidden = !asked;
    label.dataset.asked = asked;
    label.textContent = ASKED[asked] ?? "";
    this.#fillText(element, message);
    const vote = element.querySelector(".chat-vote");
    vote.hidden = !asked || Boolean(gone);
    vote.disabled = !this.#mayWrite || this.isMine(message);
    vote.setAttribute("aria-pressed", String(own.voted));
    vote.querySelector(".chat-votes").textContent = message.votes || "";
    const link = element.querySelector(".chat-replies");
    link.hidden = Boolean(thread);
    link.classList.toggle("is-empty", !replies);
    link.textContent = replies ? `${replies} ${replies === 1 ? "reply" : "replies"}` : asked ? "Answer" : "Reply";
    link.href = `${this.#address}thread/${id}/`;
    const shown = gone ? [] : Object.entries(message.reactions ?? {});
    element.querySelector(".chat-reactions").replaceChildren(...shown.map((entry) => this.#reaction(entry, own)));
    element.querySelector(".chat-below").hidden = false;
    this.#decorate(element, message);
  }

  #fillText(element, { html, gone }) {
    const text = element.querySelector(".chat-text");
    if (gone) {
      const line = document.createElement("p");
      line.textContent = GONE[gone];
      text.replaceChildren(line);
    } else {
      // The server rendered and sanitized it; see miniconf/rendering.py.
      text.innerHTML = html;
      showCards(text);
    }
  }

  #reaction([emoji, count], own) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chat-reaction";
    button.dataset.emoji = emoji;
    button.title = EMOJI[emoji] ?? emoji;
    button.setAttribute("aria-label", `${button.title}: ${count}`);
    button.setAttribute("aria-pressed", String(own.reactions.includes(emoji)));
    button.disabled = !this.#mayWrite;
    button.textContent = `${emoji} ${count}`;
    return button;
  }
}
