// What else the model might have said: a small list of bars at the token under the pointer, the finger or the arrow keys.

import { percent, visible } from "./tokens.js";

const SHOW_AFTER = 60; // ms; passing over the text opens nothing
const HIDE_AFTER = 220; // ms; time to move from the token to the list

export class Inspector {
  /**
   * @param {object} parts
   * @param {import("./tokens.js").TokenText} parts.text
   * @param {HTMLElement} parts.popover lies in the same positioned element as the text
   * @param {(sentence: string) => void} parts.announce
   * @param {((index: number, alternative: string) => void) | null} parts.onPick null: alternatives are shown only
   * @param {(index: number) => string} [parts.head] what is said of a token in place of its probability
   */
  constructor({ text, popover, announce, onPick, head = null }) {
    Object.assign(this, { text, popover, announce, onPick, head });
    this.index = null;
    this.pinned = false;
    this.timer = 0;
    const element = text.element;
    element.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") this.#hover(text.indexOf(event.target));
    });
    element.addEventListener("pointerleave", () => this.#hover(null));
    popover.addEventListener("pointerenter", () => clearTimeout(this.timer));
    popover.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#hover(null));
    element.addEventListener("click", (event) => {
      const index = text.indexOf(event.target);
      if (index === null || !getSelection().isCollapsed) return;
      if (this.pinned && index === this.index) this.close();
      else this.open(index, { pinned: true });
    });
    element.addEventListener("keydown", (event) => this.#key(event));
    popover.addEventListener("keydown", (event) => this.#listKey(event));
    popover.addEventListener("click", (event) => {
      const choice = event.target.closest("button[data-text]");
      if (choice) this.#pick(choice.dataset.text);
    });
    document.addEventListener("pointerdown", (event) => {
      if (this.index !== null && !popover.contains(event.target) && !element.contains(event.target)) this.close();
    });
  }

  #hover(index) {
    clearTimeout(this.timer);
    if (this.pinned) return;
    if (index === null) this.timer = setTimeout(() => this.close(), HIDE_AFTER);
    else if (index !== this.index) this.timer = setTimeout(() => this.open(index), this.index === null ? SHOW_AFTER : 30);
  }

  #key(event) {
    const last = this.text.tokens.length - 1;
    if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const here = this.index ?? -1;
    const goal = { ArrowRight: here + 1, ArrowLeft: here < 0 ? last : here - 1, Home: 0, End: last }[event.key];
    if (goal !== undefined) {
      this.open(this.#nearest(Math.min(Math.max(goal, 0), last), event.key === "ArrowLeft" ? -1 : 1), { pinned: true, spoken: true });
    } else if (event.key === "Enter" && this.index !== null) {
      this.popover.querySelector("button")?.focus();
    } else if (event.key === "Escape" && this.index !== null) {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }

  // Tokens that are part of a character have no place in the text: step over them.
  #nearest(index, step) {
    const seen = (i) => this.text.tokens[i] && this.text.tokens[i].text;
    for (let i = index; i >= 0 && i < this.text.tokens.length; i += step) if (seen(i)) return i;
    return index;
  }

  #listKey(event) {
    const buttons = [...this.popover.querySelectorAll("button")];
    const place = buttons.indexOf(document.activeElement);
    if (event.key === "ArrowDown") buttons[(place + 1) % buttons.length]?.focus();
    else if (event.key === "ArrowUp") buttons.at(place - 1)?.focus();
    else if (event.key === "Escape") {
      this.close();
      this.text.element.focus();
    } else return;
    event.preventDefault();
  }

  #pick(alternative) {
    const index = this.index;
    this.close();
    this.onPick?.(index, alternative);
  }

  open(index, { pinned = false, spoken = false } = {}) {
    const token = this.text.tokens[index];
    const span = this.text.at(index);
    if (!token || !span) return;
    this.#unmark();
    this.index = index;
    this.pinned = pinned;
    span.classList.add("is-inspected");
    this.popover.replaceChildren(...this.#content(token));
    this.popover.hidden = false;
    this.#place(span);
    if (spoken) {
      const others = token.top.filter(([text]) => text !== token.text).map(([text, p]) => `${visible(text)} ${percent(p)}`);
      this.announce(`${visible(token.text)}, ${this.head?.(index) ?? percent(token.p)}.${others.length ? ` Others: ${others.join(", ")}.` : ""}`);
    }
  }

  close() {
    clearTimeout(this.timer);
    this.#unmark();
    this.index = null;
    this.pinned = false;
    this.popover.hidden = true;
  }

  #unmark() {
    if (this.index !== null) this.text.at(this.index)?.classList.remove("is-inspected");
  }

  #content(token) {
    const head = document.createElement("p");
    head.className = "alternatives-head";
    const rank = token.top.findIndex(([text, p]) => text === token.text && Math.abs(p - token.p) < 1e-3);
    head.append(
      Object.assign(document.createElement("b"), { textContent: visible(token.text) }),
      this.head ? `: ${this.head(this.index)}` : ` was given ${percent(token.p)}`,
    );
    const rows = [...token.top];
    if (rank < 0 && rows.length) rows.push([token.text, token.p]);
    if (!rows.length) return [head];
    const most = Math.max(...rows.map(([, p]) => p), 1e-9);
    const list = document.createElement("ol");
    list.className = "alternatives-list";
    rows.forEach(([text, p], place) => {
      const chosen = place === (rank < 0 ? rows.length - 1 : rank);
      const item = document.createElement("li");
      if (chosen && rank < 0) item.className = "alternatives-gap";
      item.append(this.#row(text, p, p / most, chosen));
      list.append(item);
    });
    const foot = document.createElement("p");
    foot.className = "alternatives-foot";
    foot.textContent = "Choose one to go on from there.";
    return this.onPick ? [head, list, foot] : [head, list];
  }

  #row(text, p, share, chosen) {
    // Part of a character, or one that is broken, cannot be put into a prompt.
    const pickable = this.onPick && text && !text.includes("\uFFFD");
    const row = document.createElement(pickable ? "button" : "span");
    row.className = "alternative";
    if (pickable) {
      row.type = "button";
      row.dataset.text = text;
    }
    if (chosen) row.setAttribute("aria-current", "true");
    row.style.setProperty("--share", share.toFixed(4));
    row.append(
      Object.assign(document.createElement("span"), { className: "alternative-text", textContent: visible(text) }),
      Object.assign(document.createElement("span"), { className: "alternative-p", textContent: percent(p) }),
    );
    return row;
  }

  // Below the token's last line, or above it where the window ends; never beyond the text's sides.
  #place(span) {
    const frame = this.popover.offsetParent.getBoundingClientRect();
    const rects = span.getClientRects();
    const token = rects[rects.length - 1] ?? span.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.popover;
    const left = Math.min(Math.max(token.left - frame.left - 12, 0), Math.max(frame.width - width, 0));
    const above = token.bottom + height + 10 > innerHeight && rects[0].top - height - 6 > 0;
    const top = above ? rects[0].top - frame.top - height - 6 : token.bottom - frame.top + 6;
    this.popover.style.setProperty("--x", `${left}px`);
    this.popover.style.setProperty("--y", `${top}px`);
  }
}
