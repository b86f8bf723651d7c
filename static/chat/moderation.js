// The stream of all rooms (templates/chat/moderation/overview.html): new messages come at the top while the page is looked
// at. While somebody works in the list, or has paused it, they wait behind a button.

const EVERY = 4000;
const LONGEST_PAUSE = 60000;
const MOST_LINES = 300;

class Stream {
  #list;
  #state = document.querySelector("[data-stream-state]");
  #note = document.querySelector("[data-stream-note]");
  #waiting = []; // lines that came and are not shown yet, the newest first
  #newest;
  #paused = false;
  #pause = EVERY;

  constructor(list) {
    this.#list = list;
    this.#newest = Number(list.dataset.newest);
    this.#state.hidden = false;
    this.#button("[data-pause]").addEventListener("click", () => this.#setPaused(!this.#paused));
    this.#button("[data-show-new]").addEventListener("click", () => this.#showAll());
    list.addEventListener("focusout", () => setTimeout(() => this.#offer()));
    document.addEventListener("visibilitychange", () => document.hidden || this.#ask());
    this.#wait();
  }

  #button(selector) {
    return this.#state.querySelector(selector);
  }

  #setPaused(paused) {
    this.#paused = paused;
    const button = this.#button("[data-pause]");
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Go on" : "Pause";
    if (!paused) this.#showAll();
  }

  #wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), this.#pause);
  }

  async #ask() {
    if (document.hidden || this.asking) return this.#wait();
    this.asking = true;
    const address = new URL(this.#list.dataset.stream, location.href);
    address.searchParams.set("after", this.#newest);
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      this.#take(await answer.text());
      this.#pause = EVERY;
      this.#note.textContent = "";
    } catch {
      this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
      this.#note.textContent = "New messages cannot be read at the moment; trying again.";
    } finally {
      this.asking = false;
      this.#wait();
    }
  }

  #take(html) {
    const lines = [...new DOMParser().parseFromString(html, "text/html").querySelectorAll(".mod-line")];
    if (!lines.length) return;
    this.#newest = Math.max(this.#newest, ...lines.map((line) => Number(line.dataset.pk)));
    this.#waiting = [...lines, ...this.#waiting].slice(0, MOST_LINES);
    this.#offer();
  }

  /** New lines move what is below them: not under the hands of somebody who is about to press a button there. */
  #offer() {
    const busy = this.#paused || this.#list.contains(document.activeElement) || this.#list.querySelector("details[open]");
    if (!busy) return this.#showAll();
    const button = this.#button("[data-show-new]");
    button.hidden = this.#waiting.length === 0;
    button.textContent = this.#waiting.length === 1 ? "1 new message" : `${this.#waiting.length} new messages`;
  }

  #showAll() {
    this.#button("[data-show-new]").hidden = true;
    if (!this.#waiting.length) return;
    for (const old of this.#list.querySelectorAll(".is-new")) old.classList.remove("is-new");
    const lines = this.#waiting.map((line) => document.adoptNode(line));
    this.#waiting = [];
    for (const line of lines) line.classList.add("is-new");
    this.#list.prepend(...lines);
    for (const line of lines) window.htmx?.process(line);
    for (const line of [...this.#list.children].slice(MOST_LINES)) line.remove();
    document.querySelector("[data-empty]").hidden = true;
  }
}

for (const list of document.querySelectorAll("[data-stream]")) new Stream(list);
