// Naming people: typing @ offers those of the room, and from two letters on everybody with an account. In the text field a
// mention reads "@Ada Lovelace"; what is sent says whose account that is: "@[Ada Lovelace](person:0b6e…)".

import { live } from "../live/socket.js";

const SENT = /@\[([^\]\n]{1,120})\]\(person:([0-9a-f-]{36})\)/g;
const BEGUN = /(?:^|[\s([{>"'“])@([^\s@][^@\n]{0,40})?$/u;
const MOST_WORDS = 4;
const MOST_OFFERED = 8;
const WAIT = 180; // milliseconds

const plain = (name) => name.replace(/[[\]\n\\]/g, " ").replace(/\s+/g, " ").trim();
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** "@Ada Lovelace" -> "@[Ada Lovelace](person:…)", for the names in `people` (a Map to ids). */
export function withIds(text, people) {
  const names = [...people.keys()].sort((a, b) => b.length - a.length);
  if (!names.length) return text;
  const found = new RegExp(`@(${names.map(escaped).join("|")})(?![\\p{L}\\p{N}])`, "gu");
  return text.replace(found, (_, name) => `@[${name}](person:${people.get(name)})`);
}

/** The other way round; notes the ids in `people`. */
export function withNames(text, people) {
  return text.replace(SENT, (whole, name, id) => {
    if (people.has(name) && people.get(name) !== id) return whole; // two people of one name
    people.set(name, id);
    return `@${name}`;
  });
}

export class Mentions {
  #field;
  #list;
  #room;
  #me;
  #people; // Map: name -> id, of whom the text names
  #ofRoom = null;
  #offered = [];
  #chosen = 0;
  #timer = null;
  #asked = 0;

  /** `field`: the text field; the list is put before it. */
  constructor(field, { room, me, people }) {
    this.#field = field;
    this.#room = room;
    this.#me = me;
    this.#people = people;
    this.#list = document.createElement("ul");
    this.#list.className = "chat-offers";
    this.#list.id = `${field.id}-offers`;
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", "People");
    this.#list.hidden = true;
    field.before(this.#list);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.#list.id);
    field.addEventListener("input", () => this.#look());
    field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      const place = [...this.#list.children].indexOf(event.target.closest("[role=option]"));
      if (place >= 0) this.#take(place);
    });
  }

  get open() {
    return !this.#list.hidden;
  }

  close() {
    clearTimeout(this.#timer);
    this.#asked += 1; // an answer that is still to come is too late
    this.#list.hidden = true;
    this.#field.removeAttribute("aria-activedescendant");
  }

  /** Whether a key was for the list. */
  onKey(event) {
    if (!this.open) return false;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#chosen);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : this.#offered.length - 1;
      this.#chosen = (this.#chosen + step) % this.#offered.length;
      this.#mark();
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #begun() {
    const { value, selectionStart, selectionEnd } = this.#field;
    if (selectionStart !== selectionEnd) return null;
    const match = BEGUN.exec(value.slice(0, selectionStart));
    const text = match?.[1] ?? "";
    return match && text.split(" ").length <= MOST_WORDS ? text : null;
  }

  async #look() {
    const text = this.#begun();
    if (text === null) return this.close();
    const asked = ++this.#asked;
    clearTimeout(this.#timer);
    this.#ofRoom ??= await this.#ask("");
    if (asked !== this.#asked) return;
    const near = this.#ofRoom.filter(({ name }) => matches(name, text));
    this.#offer(near);
    if (text.trim().length < 2) return;
    this.#timer = setTimeout(async () => {
      const found = await this.#ask(text.trim());
      if (asked === this.#asked) this.#offer([...near, ...found.filter(({ id }) => !near.some((one) => one.id === id))]);
    }, WAIT);
  }

  async #ask(text) {
    try {
      const { people } = await live.command("chat.people", { room: this.#room, text });
      return people.filter(({ id }) => id !== this.#me.id);
    } catch {
      return []; // the name can still be typed
    }
  }

  #offer(people) {
    this.#offered = people.slice(0, MOST_OFFERED);
    this.#chosen = 0;
    this.#list.replaceChildren(...this.#offered.map((person, place) => this.#option(person, place)));
    this.#list.hidden = !this.#offered.length;
    this.#mark();
  }

  #option({ name, role }, place) {
    const option = document.createElement("li");
    option.id = `${this.#list.id}-${place}`;
    option.setAttribute("role", "option");
    option.append(name);
    if (role) {
      const badge = document.createElement("span");
      badge.className = "badge";
      badge.textContent = role;
      option.append(" ", badge);
    }
    return option;
  }

  #mark() {
    [...this.#list.children].forEach((option, place) => {
      option.setAttribute("aria-selected", String(place === this.#chosen));
      if (place === this.#chosen) option.scrollIntoView({ block: "nearest" });
    });
    if (this.open && this.#offered.length) this.#field.setAttribute("aria-activedescendant", `${this.#list.id}-${this.#chosen}`);
    else this.#field.removeAttribute("aria-activedescendant");
  }

  #take(place) {
    const { id, name: given } = this.#offered[place];
    const field = this.#field;
    const name = plain(given);
    const from = field.selectionStart - this.#begun().length - 1;
    const other = this.#people.has(name) && this.#people.get(name) !== id;
    if (!other) this.#people.set(name, id);
    field.setRangeText(other ? `@[${name}](person:${id}) ` : `@${name} `, from, field.selectionStart, "end");
    this.close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Whether a name has the words in order, each begun: "ad lo" finds "Ada Lovelace". */
function matches(name, text) {
  const wanted = folded(text).trim();
  const whole = folded(name);
  return !wanted || whole.startsWith(wanted) || whole.includes(` ${wanted}`);
}
