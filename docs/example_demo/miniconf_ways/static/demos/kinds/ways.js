// Kind "ways": texts that grow side by side. When the run has ended, the server's drawing takes their place.

import { demoKind } from "../panel.js";

class Ways {
  constructor(view) {
    this.view = view;
  }

  reset(run) {
    const list = this.view.element.querySelector("[data-part=ways]");
    list.replaceChildren();
    this.texts = Array.from({ length: run.inputs.ways }, () => {
      const item = list.appendChild(document.createElement("li"));
      const prompt = item.appendChild(document.createElement("span"));
      prompt.className = "muted";
      prompt.textContent = run.inputs.prompt;
      return item.appendChild(document.createElement("span"));
    });
  }

  events(events) {
    for (const { type, stream = 0, text } of events) if (type === "token") this.texts[stream].append(text);
  }
}

demoKind("ways", {
  summarize: ({ ways, max_new_tokens: length }) => `${ways ?? "?"} texts of up to ${length ?? "?"} tokens`,
  result: (view) => new Ways(view),
});
