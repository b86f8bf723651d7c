// Who is here and who is typing: the topic here:<room>.

import { live } from "../live/socket.js";

const TYPING_LASTS = 6000; // milliseconds
const LATEST_START = 2500; // the room itself comes first, and not everybody at once after a restart

export class Presence {
  #panel;
  #here;
  #typing = new Map(); // id of a person -> {name, thread, timer}

  constructor(panel) {
    this.#panel = panel;
    this.#here = panel.element.querySelector(".chat-here");
    setTimeout(
      () => live.subscribe(`here:${panel.room}`, { onEvents: (events) => this.#hear(events) }),
      500 + Math.random() * LATEST_START,
    );
  }

  #hear(events) {
    for (const event of events) {
      if (event.type === "here") this.#showHere(event);
      else if (event.type === "typing") this.#showTyping(event);
    }
  }

  #showHere({ people, members, visitors }) {
    const { me } = this.#panel;
    const others = people.filter(({ id }) => id !== me?.id);
    const count = Math.max(members + visitors, 1);
    this.#here.hidden = false;
    this.#here.querySelector("summary").textContent = `${count} here`;
    const names = others.map(({ name }) => name);
    const hidden = members - people.length;
    if (me) names.push("you");
    if (hidden > 0) names.push(`${hidden} more`);
    if (visitors) names.push(visitors === 1 ? "1 visitor" : `${visitors} visitors`);
    this.#here.querySelector(".chat-here-names").textContent = names.join(", ");
  }

  #showTyping({ author, thread }) {
    if (author.id === this.#panel.me?.id) return;
    clearTimeout(this.#typing.get(author.id)?.timer);
    const timer = setTimeout(() => this.stopped(author.id), TYPING_LASTS);
    this.#typing.set(author.id, { name: author.name, thread, timer });
    this.#show();
  }

  /** Their message came. */
  stopped(id) {
    clearTimeout(this.#typing.get(id)?.timer);
    if (this.#typing.delete(id)) this.#show();
  }

  #show() {
    const typing = [...this.#typing.values()];
    const inRoom = typing.filter(({ thread }) => !thread);
    const inThread = typing.filter(({ thread }) => thread && thread === this.#panel.thread.id);
    const { element } = this.#panel;
    for (const [line, people] of [
      [element.querySelector(".chat-main .chat-typing"), inRoom],
      [element.querySelector(".chat-thread .chat-typing"), inThread],
    ]) {
      line.textContent = sentence(people.map(({ name }) => name));
    }
  }

  /** Says that the viewer is typing, in a thread or in the room. */
  tell(thread = null) {
    live.command("chat.typing", { room: this.#panel.room, thread }).catch(() => {});
  }
}

function sentence(names) {
  if (!names.length) return "";
  if (names.length === 1) return `${names[0]} is typing…`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing…`;
  return "Several people are typing…";
}
