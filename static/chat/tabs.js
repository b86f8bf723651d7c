// Which of a panel's panes is shown: the conversation, its questions, or a search in it.

export class Tabs {
  current;
  #element;
  #panes;
  #onShow = new Map();

  constructor(element) {
    this.#element = element;
    this.#panes = new Map(
      ["messages", "questions", "search"].map((name) => [name, element.querySelector(`[data-pane="${name}"]`)]),
    );
    this.current = [...this.#panes.keys()].find((name) => !this.#panes.get(name).hidden);
    for (const tab of this.#all()) {
      tab.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        this.show(tab.dataset.tab);
      });
    }
  }

  #all() {
    return this.#element.querySelectorAll(".chat-tab");
  }

  /** What is to be done whenever a pane comes to be shown. */
  onShow(name, action) {
    this.#onShow.set(name, action);
  }

  show(name) {
    if (name === this.current && name === "messages") return;
    this.current = name;
    for (const [other, pane] of this.#panes) pane.hidden = other !== name;
    for (const tab of this.#all()) {
      if (tab.dataset.tab === name) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.#onShow.get(name)?.();
  }
}
