// Kind "zero-shot": the template with the first label in it, as the model reads it.

import { showBars } from "../bars.js";
import { demoKind } from "../panel.js";

const LONGEST = 400;

function preview(panel) {
  const place = panel.form.element.querySelector("[data-part=preview]");
  const show = () => {
    const { text, template, labels } = panel.form.inputs();
    const [before, after = ""] = template.split("{label}");
    const fill = (part) => part.replace("{text}", text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text);
    const label = document.createElement("mark");
    label.className = "task-mark";
    label.textContent = labels.split(",")[0].trim();
    place.replaceChildren(fill(before), ...(template.includes("{label}") ? [label, fill(after)] : []));
  };
  panel.form.element.addEventListener("input", show);
  const fill = panel.form.fill.bind(panel.form);
  panel.form.fill = (inputs) => {
    fill(inputs);
    show();
  };
  show();
}

demoKind("zero-shot", { mount: preview, result: (view) => ({ finish: () => showBars(view.element) }) });
