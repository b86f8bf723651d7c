// The field one writes in: Enter sends, drafts survive a reload, the length is counted, people are offered after @.

import { Mentions, withIds, withNames } from "./mentions.js";
import { load, save } from "./storage.js";

const WARN_AT = 500; // characters left
const TYPING_EVERY = 4000; // milliseconds

export class Composer {
  #form;
  #field;
  #count;
  #people = new Map();
  #mentions;
  #longest;
  #draft = null;
  #toldAt = 0;

  /** `onSend(text, form)`; `onTyping()` at most every few seconds; `onUp()`: the arrow up in an empty field. */
  constructor(form, { room, me, longest, onSend, onTyping = () => {}, onUp = () => {}, onEscape = null }) {
    this.#form = form;
    this.#field = form.elements.text;
    this.#count = form.querySelector(".chat-count");
    form.noValidate = true; // an empty message is not sent, which needs no saying
    this.#longest = longest;
    this.#mentions = new Mentions(this.#field, { room, me, people: this.#people });
    this.#field.addEventListener("input", () => {
      this.#changed();
      if (this.#field.value.trim() && Date.now() - this.#toldAt > TYPING_EVERY) {
        this.#toldAt = Date.now();
        onTyping();
      }
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.isComposing || this.#mentions.onKey(event)) return;
      if (event.key === "Enter" && !event.shiftKey && (event.ctrlKey || event.metaKey || !this.#inCode())) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.key === "ArrowUp" && !this.#field.value) {
        event.preventDefault();
        onUp();
      } else if (event.key === "Escape" && onEscape) {
        event.preventDefault();
        event.stopPropagation();
        onEscape();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.text;
      if (!text || [...text].length > this.#longest) return;
      form.querySelector(".notice")?.remove();
      this.#mentions.close();
      this.#toldAt = 0;
      onSend(text, form);
    });
    this.#changed();
  }

  /** What is sent. */
  get text() {
    return withIds(this.#field.value, this.#people).trim();
  }

  set text(text) {
    this.#people.clear();
    this.#field.value = withNames(text, this.#people);
    this.#changed();
  }

  /** Keeps what is being written under this name, and takes up what was kept. */
  keepAs(name) {
    this.#draft = null;
    const kept = load(name);
    if (kept || !this.#field.value || this.#form.dataset.draft) this.text = kept;
    this.#form.dataset.draft = name;
    this.#draft = name;
  }

  clear() {
    this.text = "";
  }

  focus() {
    this.#field.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }

  /** Puts a quotation of `text` before what is written. */
  quote(text, name) {
    const lines = text.split("\n").map((line) => `> ${line}`);
    this.text = `> ${name}:\n${lines.join("\n")}\n\n${this.text}`;
    this.focus();
  }

  /** Whether the caret stands in a block of code that is not closed yet: there, Enter begins a line. */
  #inCode() {
    const before = this.#field.value.slice(0, this.#field.selectionStart);
    return (before.match(/^```/gm) ?? []).length % 2 === 1;
  }

  #changed() {
    const text = this.text;
    if (this.#draft) save(this.#draft, text);
    const left = this.#longest - [...text].length;
    if (this.#count) {
      this.#count.textContent = left < 0 ? `${-left} characters too long` : left < WARN_AT ? `${left} characters left` : "";
      this.#count.classList.toggle("is-over", left < 0);
    }
    this.#form.querySelector("[type=submit]").disabled = left < 0;
  }
}
