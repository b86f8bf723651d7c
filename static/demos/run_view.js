// One run of a text generator as it happens: state, place in the queue, text, and what one can do with it.

import { live } from "../live/socket.js";
import { cancelRun, fetchRun, Problem } from "./api.js";
import { Inspector } from "./inspector.js";
import { TokenText } from "./tokens.js";

const FINISHED = new Set(["succeeded", "failed", "cancelled", "expired"]);
const TINT_KEY = "demos.tint";

const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const seconds = (s) => (s < 10 ? `${s.toFixed(s < 1 ? 2 : 1)} s` : `${Math.round(s)} s`);

/** The tokens of a finished run's output, in the form in which they come live. */
export const tokensOf = (output) => (output?.tokens ?? []).map(([id, text, p, top], i) => ({ i, id, text, p, top }));

export class RunView {
  /**
   * @param {HTMLElement} root the element of templates/demos/kinds/generate_run.html
   * @param {object} options
   * @param {() => string} options.csrfToken
   * @param {(prompt: string) => void} options.onContinue asked to go on from another text
   * @param {(run: object, finished: boolean) => void} [options.onChange]
   */
  constructor(root, { csrfToken, onContinue, onChange = () => {} }) {
    this.root = root;
    this.onChange = onChange;
    this.csrfToken = csrfToken;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.text = new TokenText(this.part("text"));
    this.run = null;
    this.subscription = null;
    new Inspector({
      text: this.text,
      popover: this.part("popover"),
      announce: (sentence) => this.announce(sentence),
      onPick: root.hasAttribute("data-can-run")
        ? (index, alternative) => onContinue(this.text.before(index) + alternative)
        : null,
    });
    this.#tintSwitch();
    this.part("stop")?.addEventListener("click", (event) => {
      event.preventDefault(); // without a script it is a form's button
      this.stop();
    });
  }

  get running() {
    return this.run !== null && !FINISHED.has(this.run.state);
  }

  announce(sentence) {
    this.part("announcer").textContent = sentence;
  }

  /** Shows `run` (as the API gives it) and follows it to its end. `mine`: it was made here, just now. */
  show(run, { mine = false } = {}) {
    this.detach();
    this.run = { ...run };
    this.mine = mine;
    this.firstAt = null;
    this.stopping = false;
    this.connected = true;
    this.root.hidden = false;
    this.text.reset(run.inputs.prompt ?? "");
    this.#facts();
    if (FINISHED.has(run.state)) {
      this.text.append(tokensOf(run.output));
      this.#state();
      return;
    }
    this.#state();
    this.subscription = live.subscribe(`run:${run.id}`, {
      after: 0,
      onEvents: (events) => this.#take(run.id, events),
      onState: (state) => this.#connection(state),
    });
  }

  /** Follows the run no longer; what is shown stays. */
  detach() {
    this.subscription?.close();
    this.subscription = null;
    this.run = null;
  }

  /** Asks the worker to stop; the state follows. */
  async stop() {
    if (!this.running || this.stopping) return;
    const { id } = this.run;
    this.stopping = true;
    this.#state();
    try {
      await cancelRun(id, this.csrfToken());
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (this.run?.id !== id) return;
      this.stopping = false;
      this.#state();
      this.complain(problem.message);
    }
  }

  /** Shows a sentence about what could not be done. */
  complain(sentence) {
    this.part("problem").hidden = false;
    this.part("problem").textContent = sentence;
    this.announce(sentence);
  }

  #take(id, events) {
    if (id !== this.run?.id) return;
    const tokens = events.filter((event) => event.type === "token");
    if (tokens.length) {
      this.firstAt ??= performance.now();
      this.text.append(tokens);
      if (this.run.state === "queued") this.run.state = "running";
    }
    let announced = false;
    for (const event of events) {
      if (event.type === "state") {
        announced ||= event.state !== this.run.state || event.position !== this.run.position;
        Object.assign(this.run, { state: event.state, position: event.position ?? null, error: event.detail ?? this.run.error });
      } else if (event.type === "done") {
        Object.assign(this.run, { state: event.state, output: event.output, error: event.error });
        // The record is complete even where a batch of tokens was lost on the way.
        this.text.append(tokensOf(event.output));
        announced = true;
      }
    }
    if (announced || tokens.length) this.#state(announced);
    if (events.some((event) => event.type === "done")) this.#finish();
  }

  async #finish() {
    const { id } = this.run;
    this.subscription?.close();
    this.subscription = null;
    try {
      // Times are the server's: they hold for whoever joined late, too.
      const run = await fetchRun(id);
      if (this.run?.id === id && FINISHED.has(run.state)) this.run = run;
    } catch {
      // The text is complete; only its times are not known.
    }
    if (this.run?.id === id) this.#state();
  }

  #connection(state) {
    this.connected = state !== "closed" && state !== "connecting" && state !== "reconnecting";
    this.#state();
  }

  #state(announced = false) {
    const { root, run } = this;
    const finished = FINISHED.has(run.state);
    root.dataset.state = run.state;
    this.part("text").setAttribute("aria-busy", String(!finished));
    const sentence = this.#sentence();
    this.part("status").textContent = this.running && !this.connected ? `${sentence} · connection lost, trying again` : sentence;
    if (announced) this.announce(sentence);
    const stop = this.part("stop");
    if (stop) {
      stop.hidden = finished;
      stop.disabled = this.stopping;
    }
    for (const element of root.querySelectorAll("[data-when]")) {
      element.hidden = element.dataset.when === "finished" ? !finished : finished;
    }
    const problem = this.part("problem");
    problem.hidden = !(finished && run.error);
    problem.textContent = run.error || "";
    this.onChange(run, finished);
  }

  #sentence() {
    const { run, text } = this;
    const made = count(text.tokens.length, "token", "tokens");
    switch (run.state) {
      case "queued":
        if (this.stopping) return "Stopping";
        if (!run.position) return "Queued";
        return run.position === 1 ? "Queued: you are next" : `Queued: ${count(run.position - 1, "person", "people")} before you`;
      case "running":
        return [this.stopping ? "Stopping" : "Running", text.tokens.length ? made : "", this.#rate()].filter(Boolean).join(" · ");
      case "succeeded": {
        const ended = run.output?.finish_reason === "stop" ? "Done: the model ended the text" : "Done";
        return [ended, made, ...this.#times()].join(" · ");
      }
      case "cancelled":
        return ["Stopped", made, ...this.#times()].join(" · ");
      case "expired":
        return "Not run: it waited too long in the queue";
      default:
        return ["Failed", text.tokens.length ? made : ""].filter(Boolean).join(" · ");
    }
  }

  // Only where every token was seen to arrive: a replay comes at once and says nothing about the model's speed.
  #rate() {
    const elapsed = (performance.now() - this.firstAt) / 1000;
    if (!this.mine || this.firstAt === null || elapsed < 0.25) return "";
    return `${Math.round(this.text.tokens.length / elapsed)} tokens/s`;
  }

  #times() {
    const at = (name) => (this.run[name] ? Date.parse(this.run[name]) / 1000 : NaN);
    const took = at("finished_at") - at("started_at");
    if (!(took > 0)) return [];
    const rate = this.text.tokens.length / took;
    return [seconds(took), ...(this.text.tokens.length ? [`${Math.round(rate)} tokens/s`] : [])];
  }

  #facts() {
    const { id, inputs } = this.run;
    const link = this.part("permalink");
    if (link) link.href = link.dataset.href.replace("00000000-0000-0000-0000-000000000000", id);
    const seed = this.part("seed");
    if (seed) seed.textContent = inputs.seed == null ? "" : `seed ${inputs.seed}`;
  }

  #tintSwitch() {
    const box = this.part("tint");
    if (!box) return;
    try {
      box.checked = localStorage.getItem(TINT_KEY) !== "off";
    } catch {
      // Storage is switched off: tinted, as the page came.
    }
    const show = () => (this.root.dataset.tint = box.checked ? "on" : "off");
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
