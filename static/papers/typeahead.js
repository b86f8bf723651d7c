// Suggestions below a search field: <input data-typeahead="/papers/suggest">. The field becomes a combobox whose list is
// worked with arrow keys, Enter and Escape (ARIA Authoring Practices, "Editable combobox with list autocomplete").

const PAUSE = 120; // ms without a key
const SHORTEST = 2;
const kept = new Map();

class Typeahead {
  #input;
  #list;
  #address;
  #timer = 0;
  #wanted = "";
  #number = 0;

  constructor(input, number) {
    this.#input = input;
    this.#address = input.dataset.typeahead;
    const box = document.createElement("div");
    box.className = "typeahead";
    const hadFocus = document.activeElement === input;
    input.replaceWith(box);
    this.#list = document.createElement("div");
    Object.assign(this.#list, { id: `suggestions-of-${input.id || number}`, className: "suggestions", hidden: true });
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", "Suggestions");
    box.append(input, this.#list);
    if (hadFocus) input.focus();
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.#list.id,
      autocomplete: "off",
      spellcheck: "false",
    })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.#typed());
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("focusout", () => this.#close());
    // The field keeps the focus while a suggestion is clicked.
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    input.form?.addEventListener("submit", () => this.#close());
  }

  get #options() {
    return [...this.#list.querySelectorAll("[role=option]")];
  }

  get #active() {
    return this.#list.querySelector("[aria-selected=true]");
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#wanted = this.#input.value.trim().replace(/\s+/g, " ").slice(0, 100);
    if (this.#wanted.length < SHORTEST) {
      this.#close();
      return;
    }
    this.#timer = setTimeout(() => this.#ask(this.#wanted), kept.has(this.#wanted) ? 0 : PAUSE);
  }

  async #ask(typed) {
    const number = (this.#number += 1);
    let html = kept.get(typed);
    if (html === undefined) {
      try {
        const answer = await fetch(`${this.#address}?${new URLSearchParams({ q: typed })}`);
        html = answer.ok ? await answer.text() : "";
        if (answer.ok) kept.set(typed, html);
      } catch {
        html = ""; // searching works without suggestions
      }
    }
    if (number !== this.#number || document.activeElement !== this.#input || typed !== this.#wanted) return;
    this.#list.innerHTML = html;
    this.#options.forEach((option, n) => (option.id = `${this.#list.id}-${n}`));
    this.#input.removeAttribute("aria-activedescendant");
    this.#show(this.#options.length > 0);
  }

  #show(open) {
    this.#list.hidden = !open;
    this.#input.setAttribute("aria-expanded", String(open));
  }

  #close() {
    clearTimeout(this.#timer);
    this.#wanted = "";
    this.#number += 1; // what is on its way is not shown
    this.#select(null);
    this.#show(false);
  }

  #select(option) {
    this.#active?.setAttribute("aria-selected", "false");
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.#input.setAttribute("aria-activedescendant", option.id);
    } else {
      this.#input.removeAttribute("aria-activedescendant");
    }
  }

  #key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const open = !this.#list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!open) {
        if (event.key === "ArrowDown") this.#typed();
        return;
      }
      event.preventDefault();
      const options = this.#options;
      const by = event.key === "ArrowDown" ? 1 : -1;
      const from = this.#active ? options.indexOf(this.#active) : by > 0 ? -1 : options.length;
      this.#select(options[from + by] ?? null); // beyond the ends stands the field itself
    } else if (event.key === "Enter") {
      const chosen = open && this.#active;
      this.#close();
      if (chosen) {
        event.preventDefault();
        chosen.click();
      }
    } else if (event.key === "Escape" && open) {
      event.preventDefault(); // a search field would be emptied
      this.#close();
    }
  }
}

[...document.querySelectorAll("input[data-typeahead]")].forEach((input, number) => new Typeahead(input, number));
