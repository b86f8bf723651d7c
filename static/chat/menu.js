// The toolbar of the message that is pointed at or focused, and the menu with everything that can be done with it.

import { actions, react, vote } from "./actions.js";
import { EMOJI } from "./messages.js";

const ITEMS = "[role^=menuitem]";

export class Menu {
  #panel;
  #tools;
  #menu;
  #element = null; // the message the menu is open for

  constructor(panel) {
    this.#panel = panel;
    this.#tools = this.#makeTools();
    this.#menu = document.createElement("div");
    this.#menu.className = "chat-menu";
    this.#menu.popover = "auto";
    this.#menu.setAttribute("role", "menu");
    this.#menu.setAttribute("aria-label", "What to do with this message");
    panel.element.append(this.#menu);

    const { element } = panel;
    element.addEventListener("pointerover", (event) => this.#offer(event.target.closest(".chat-message")));
    element.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && this.#takeAway());
    element.addEventListener("focusin", (event) => this.#offer(event.target.closest(".chat-message")));
    element.addEventListener("keydown", (event) => this.#onKey(event));
    element.addEventListener("click", (event) => this.#onClick(event));
    this.#menu.addEventListener("keydown", (event) => this.#onMenuKey(event));
    this.#menu.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#closed());
  }

  #makeTools() {
    const tools = document.createElement("div");
    tools.className = "chat-tools";
    const named = (name, text, title) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: `chat-tool chat-tool-${name}`, textContent: text, title, tabIndex: -1 });
      button.dataset.tool = name;
      button.setAttribute("aria-label", title);
      tools.append(button);
    };
    if (this.#panel.mayWrite) {
      named("react", "☺", "React");
      named("reply", "↩", "Reply");
    }
    named("more", "⋯", "More");
    tools.querySelector("[data-tool=more]").setAttribute("aria-haspopup", "menu");
    return tools;
  }

  #offer(element) {
    if (this.#element || !element || element.contains(this.#tools) || !this.#panel.messages.of(element)) return;
    if (element.classList.contains("is-edited")) return;
    const gone = Boolean(this.#panel.messages.of(element).gone);
    for (const tool of this.#tools.querySelectorAll("[data-tool=react], [data-tool=reply]")) tool.hidden = gone;
    element.append(this.#tools);
  }

  #takeAway() {
    if (!this.#element && !this.#tools.contains(document.activeElement)) this.#tools.remove();
  }

  #onClick(event) {
    const element = event.target.closest(".chat-message");
    const message = this.#panel.messages.of(element);
    if (!message) return;
    const tool = event.target.closest("[data-tool]")?.dataset.tool;
    if (tool === "reply") this.#panel.thread.open(message.thread ?? message.id, { write: true });
    else if (tool) this.#open(element, { onlyReactions: tool === "react" });
    const pressed = event.target.closest(".chat-vote, .chat-reaction");
    if (pressed) {
      event.preventDefault();
      if (pressed.matches(".chat-vote")) vote(this.#panel, message);
      else react(this.#panel, message, pressed.dataset.emoji);
    }
    if (event.target.closest(".chat-replies") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.#panel.thread.open(message.id, { write: !message.replies });
    }
  }

  /** Arrows go from message to message, Enter opens the menu of the one that has the focus. */
  #onKey(event) {
    const log = event.target.closest(".chat-log, .chat-question-scroll");
    if (!log || event.ctrlKey || event.metaKey || event.altKey) return;
    const element = event.target.closest(".chat-message");
    const onMessage = event.target === element;
    if (event.target !== log && !onMessage) return;
    const all = [...log.querySelectorAll(".chat-message")];
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const place = element ? all.indexOf(element) + (event.key === "ArrowUp" ? -1 : 1) : all.length - 1;
      if (!all[place]) return;
      event.preventDefault();
      all[place].focus({ preventScroll: true });
      all[place].scrollIntoView({ block: "nearest" });
    } else if (onMessage && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.#open(element, {});
    }
  }

  #open(element, { onlyReactions = false }) {
    const message = this.#panel.messages.of(element);
    if (!message) return;
    this.#menu.replaceChildren();
    if (this.#panel.mayWrite && !message.gone) this.#menu.append(this.#reactions(message));
    if (!onlyReactions) {
      for (const action of actions) {
        if (!action.when(message, this.#panel)) continue;
        const item = this.#item(action.label(message, this.#panel), () => action.run(message, element, this.#panel));
        item.classList.toggle("is-danger", Boolean(action.isDanger));
        this.#menu.append(item);
      }
    }
    this.#offer(element);
    this.#element = element;
    this.#menu.showPopover();
    this.#place();
    this.#menu.querySelector(ITEMS)?.focus();
  }

  #reactions(message) {
    const row = document.createElement("div");
    row.className = "chat-menu-reactions";
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", "React");
    const own = this.#panel.messages.ownOf(message.id).reactions;
    for (const [emoji, name] of Object.entries(EMOJI)) {
      const item = this.#item(emoji, () => react(this.#panel, message, emoji), "menuitemcheckbox");
      item.title = name;
      item.setAttribute("aria-label", name);
      item.setAttribute("aria-checked", String(own.includes(emoji)));
      row.append(item);
    }
    return row;
  }

  #item(text, run, role = "menuitem") {
    const item = document.createElement("button");
    item.type = "button";
    item.textContent = text;
    item.tabIndex = -1;
    item.setAttribute("role", role);
    item.addEventListener("click", () => {
      this.#menu.hidePopover();
      run();
    });
    return item;
  }

  /** Next to the toolbar, and whole within the window. */
  #place() {
    const near = (this.#tools.isConnected ? this.#tools : this.#element).getBoundingClientRect();
    const { width, height } = this.#menu.getBoundingClientRect();
    const below = near.bottom + height + 8 <= innerHeight;
    const top = below ? near.bottom + 4 : Math.max(8, Math.min(near.top - height - 4, innerHeight - height - 8));
    this.#menu.style.top = `${top}px`;
    this.#menu.style.left = `${Math.max(8, Math.min(near.right - width, innerWidth - width - 8))}px`;
  }

  #onMenuKey(event) {
    const items = [...this.#menu.querySelectorAll(ITEMS)];
    const place = items.indexOf(document.activeElement);
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    let next = null;
    if (event.key in steps) next = (place + steps[event.key] + items.length) % items.length;
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = items.length - 1;
    else if (event.key === "Tab") this.#menu.hidePopover();
    if (event.key === "Escape") event.stopPropagation(); // it closes the menu and not the thread behind it
    if (next === null) return;
    event.preventDefault();
    items[next].focus();
  }

  #closed() {
    const element = this.#element;
    this.#element = null;
    if (this.#menu.contains(document.activeElement) || document.activeElement === document.body) {
      element?.focus({ preventScroll: true });
    }
  }
}
