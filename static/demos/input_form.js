// The form of a demo's inputs: reading and filling it, examples, sliders beside numbers, errors at their field.

import { fetchRun } from "./api.js";
import { asLines, fromLines } from "./lines.js";
import { showInputs } from "./snippets.js";

export class InputForm {
  /**
   * @param {HTMLFormElement} element of which each control marked `data-input` is named as the input it holds
   * @param {(inputs: object) => string} summarize the settings in a line, for the head of those folded away
   */
  constructor(element, summarize) {
    this.element = element;
    this.summarize = summarize;
    this.panel = element.closest("[data-demo]");
    this.controls = [...element.elements].filter((control) => control.hasAttribute("data-input"));
    for (const slider of element.querySelectorAll("input[type=range][data-for]")) this.#pair(slider);
    for (const needed of this.panel.querySelectorAll("[data-needs-script]")) needed.hidden = false;
    element.addEventListener("input", () => this.#changed());
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.requestSubmit();
    });
    element.querySelector("[data-dice]")?.addEventListener("click", () => {
      this.fill({ seed: Math.floor(Math.random() * 2 ** 31) });
    });
    this.panel.addEventListener("click", (event) => {
      const example = event.target.closest("[data-example]");
      if (!example) return;
      event.preventDefault(); // without a script it is a link to the form, filled
      this.clearProblems();
      this.fill(JSON.parse(example.dataset.example));
      if (example.dataset.stored) this.#showStored(example.dataset.stored);
    });
    this.#changed();
  }

  /** The result of an example that was run before stands there at once. */
  async #showStored(id) {
    try {
      const run = await fetchRun(id);
      this.panel.dispatchEvent(new CustomEvent("demo:stored", { detail: run }));
    } catch {
      // The form is filled; whoever wants the result can run it.
    }
  }

  control(name) {
    return this.controls.find((control) => control.name === name) ?? null;
  }

  /** What would be sent: numbers as numbers, an empty number as null, boxes marked `data-list` as a list of
   * their values, a text marked `data-lines` as a list of its lines. */
  inputs() {
    const inputs = {};
    for (const control of this.controls) {
      const { name, type, value, checked } = control;
      if (type === "checkbox" && control.hasAttribute("data-list")) {
        inputs[name] ??= [];
        if (checked) inputs[name].push(value);
      } else if (type === "checkbox") inputs[name] = checked;
      else if (type === "radio") inputs[name] = checked ? value : (inputs[name] ?? null);
      else if (control.hasAttribute("data-lines")) inputs[name] = fromLines(value);
      else if (type === "number" || type === "range") inputs[name] = value === "" ? null : Number(value);
      else inputs[name] = value;
    }
    return inputs;
  }

  /** Sets the inputs named and leaves the others. */
  fill(inputs) {
    for (const control of this.controls) {
      if (!(control.name in inputs)) continue;
      const value = inputs[control.name];
      if (control.type === "checkbox") control.checked = Array.isArray(value) ? value.map(String).includes(control.value) : Boolean(value);
      else if (control.type === "radio") control.checked = String(value) === control.value;
      else if (control.hasAttribute("data-lines")) control.value = asLines(value ?? []);
      else control.value = Array.isArray(value) ? value.join(", ") : (value ?? "");
    }
    this.#changed();
    this.element.dispatchEvent(new CustomEvent("demo:filled"));
  }

  busy(busy) {
    this.panel.classList.toggle("is-busy", busy);
    for (const button of this.element.querySelectorAll("[type=submit]")) button.disabled = busy;
  }

  clearProblems() {
    for (const control of this.controls) control.removeAttribute("aria-invalid");
    for (const place of this.panel.querySelectorAll("[data-error-for], [data-problem]")) {
      place.textContent = "";
      place.hidden = true;
    }
  }

  /** Each error at its field, the rest below the buttons; the first field gets the focus. */
  showProblem(problem) {
    this.clearProblems();
    const rest = [];
    let first = null;
    for (const { field, message } of problem.errors) {
      const control = this.control(field);
      const place = this.element.querySelector(`[data-error-for="${CSS.escape(field)}"]`);
      if (!control || !place) {
        rest.push(message);
        continue;
      }
      control.setAttribute("aria-invalid", "true");
      place.textContent = message;
      place.hidden = false;
      control.closest("details")?.setAttribute("open", "");
      first ??= control;
    }
    if (!first || rest.length) {
      const place = this.panel.querySelector("[data-problem]");
      place.textContent = [problem.errors.length ? "" : problem.message, ...rest].filter(Boolean).join(" ");
      for (const { title, page } of problem.examples ?? []) {
        place.append(" ", Object.assign(document.createElement("a"), { href: page, textContent: title }));
      }
      place.hidden = false;
    }
    first?.focus();
  }

  // A slider moves with its number, which is the input; a number outside the slider's reach stays as it is.
  #pair(slider) {
    const number = this.control(slider.dataset.for);
    slider.hidden = false;
    slider.addEventListener("input", () => {
      number.value = slider.value;
    });
    this.element.addEventListener("input", (event) => {
      if (event.target === number) slider.value = number.value;
    });
    slider.value = number.value;
  }

  #changed() {
    for (const slider of this.element.querySelectorAll("input[type=range][data-for]")) {
      slider.value = this.control(slider.dataset.for).value;
    }
    this.#count();
    const inputs = this.inputs();
    const summary = this.element.querySelector("[data-summary]");
    if (summary) summary.textContent = this.summarize(inputs);
    showInputs(this.panel, inputs);
  }

  #count() {
    for (const counter of this.element.querySelectorAll("[data-count-for]")) {
      const length = [...this.control(counter.dataset.countFor).value].length;
      counter.textContent = length.toLocaleString("en");
      counter.parentElement.classList.toggle("is-over", length > Number(counter.dataset.max));
    }
  }
}
