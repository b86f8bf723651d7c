// Kind "generate": a text that grows token by token, and the runs that go on from a chosen alternative.

import { Inspector } from "../inspector.js";
import { demoKind } from "../panel.js";
import { count } from "../run_view.js";
import { TokenText } from "../tokens.js";

const TINT_KEY = "demos.tint";

/** "up to 64 tokens · temperature 0.8 · new seed each time" */
function summarize({ max_new_tokens: length, temperature, top_p: topP, top_k: topK, repetition_penalty: penalty, stop, seed }) {
  return [
    `up to ${length ?? "?"} tokens`,
    temperature === 0 ? "always the likeliest" : `temperature ${temperature ?? "?"}`,
    topP !== null && topP < 1 ? `top-p ${topP}` : "",
    topK ? `top-k ${topK}` : "",
    penalty > 1 ? `repetition penalty ${penalty}` : "",
    stop?.length ? count(stop.length, "stop string", "stop strings") : "",
    seed === null ? "a new seed each time" : `seed ${seed}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The tokens of a finished run's output, in the form in which they come live. */
const tokensOf = (output) => (output?.tokens ?? []).map(([id, text, p, top], i) => ({ i, id, text, p, top }));

class Writing {
  drawsItself = true;
  branches = true;

  constructor(view) {
    this.view = view;
    this.part = (name) => view.element.querySelector(`[data-part="${name}"]`);
    this.text = new TokenText(this.part("text"));
    new Inspector({
      text: this.text,
      popover: this.part("popover"),
      announce: (sentence) => view.announce(sentence),
      onPick: view.mayRun ? (index, alternative) => this.#branch(index, alternative) : null,
    });
    this.#tintSwitch();
  }

  reset(run) {
    this.firstAt = null;
    this.text.reset(run.inputs.prompt ?? "");
    this.part("text").setAttribute("aria-busy", "true");
  }

  events(events) {
    this.firstAt ??= performance.now();
    this.text.append(events.filter(({ type }) => type === "token"));
  }

  // The record is complete even where a batch of tokens was lost on the way.
  finish(run) {
    if (!this.text.element.contains(this.text.tokensElement)) this.text.reset(run.inputs.prompt ?? "");
    this.text.append(tokensOf(run.output));
    this.part("text").setAttribute("aria-busy", "false");
  }

  words(run) {
    const made = this.text.tokens.length;
    if (!made) return [];
    const words = [count(made, "token", "tokens")];
    // Only where every token was seen to arrive: a replay comes at once and says nothing about the model's speed.
    const elapsed = (performance.now() - this.firstAt) / 1000;
    if (run.state === "running" && this.view.mine && this.firstAt !== null && elapsed > 0.25) {
      words.push(`${Math.round(made / elapsed)} tokens/s`);
    }
    return words;
  }

  rate(took) {
    return this.text.tokens.length ? [`${Math.round(this.text.tokens.length / took)} tokens/s`] : [];
  }

  ended(run) {
    if (run.output?.finish_reason !== "stop") return "Done";
    return run.inputs.stop?.length ? "Done: the model or a stop string ended the text" : "Done: the model ended the text";
  }

  #branch(index, alternative) {
    const { id } = this.view.run;
    this.view.goOn({ prompt: this.text.before(index) + alternative, seed: null, parent: id, parent_token: index });
  }

  #tintSwitch() {
    const box = this.part("tint");
    const figure = box.closest("[data-tint]");
    try {
      box.checked = localStorage.getItem(TINT_KEY) !== "off";
    } catch {
      // Storage is switched off: tinted, as the page came.
    }
    const show = () => (figure.dataset.tint = box.checked ? "on" : "off");
    show();
    box.addEventListener("change", () => {
      show();
      try {
        localStorage.setItem(TINT_KEY, box.checked ? "on" : "off");
      } catch {
        // The choice lasts for this page.
      }
    });
  }
}

/** Templates fill the prompt and select what is to be written in; the dial tells its number. */
function mount(panel) {
  const { element } = panel.form;
  element.addEventListener("click", (event) => {
    const template = event.target.closest("[data-template]")?.dataset.template;
    if (template === undefined) return;
    panel.form.fill({ prompt: template });
    const prompt = panel.form.control("prompt");
    const gap = /\{[^{}]*\}/.exec(template);
    prompt.focus();
    if (gap) prompt.setSelectionRange(gap.index, gap.index + gap[0].length);
  });
  const dial = panel.form.control("steer");
  const value = element.querySelector('[data-part="dial-value"]');
  if (!dial || !value) return;
  const show = () => (value.textContent = Number(dial.value) > 0 ? `+${dial.value}` : dial.value);
  dial.addEventListener("input", show);
  element.addEventListener("demo:filled", show);
  show();
}

demoKind("generate", { summarize, result: (view) => new Writing(view), mount });
