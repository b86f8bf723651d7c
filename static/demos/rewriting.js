// Kinds in which a text goes in and another comes out, token by token.

import { demoKind } from "./panel.js";

export function rewriting(name) {
  demoKind(name, {
    result: (view) => {
      let made = 0;
      const place = () => view.element.querySelector("[data-part=written]");
      return {
        reset() {
          made = 0;
          place().textContent = "";
        },
        events(events) {
          for (const { type, text } of events) {
            if (type !== "token") continue;
            made += 1;
            place().append(text);
          }
        },
        words: () => (made ? [`${made} tokens`] : []),
      };
    },
  });
}
