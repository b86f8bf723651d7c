// One run of any kind as it happens: state, place in the queue, progress, Stop, and what one can do with it afterwards.
// What the result looks like is the kind's business; see docs/demos.md, "Writing a kind".

import { live } from "../live/socket.js";
import { cancelRun, fetchRun, keepRun, Problem } from "./api.js";

const FINISHED = new Set(["succeeded", "failed", "cancelled", "expired"]);
const NOBODY = "00000000-0000-0000-0000-000000000000";

export const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const seconds = (s) => (s < 10 ? `${s.toFixed(s < 1 ? 2 : 1)} s` : `${Math.round(s)} s`);

// The tokens of an event that carries several (demos/packing.py), one by one.
const single = ({ first, i, items, stream = 0 }) =>
  items.map(([id, text, p, top = []], place) => ({ type: "token", n: first + place, i: i + place, id, text, p, top, stream }));

// [3, 7] -> "about 3 to 7 s"; as in demos/estimates.py.
const waiting = (wait) => {
  if (!wait) return "";
  if (wait[1] <= 1) return "any moment";
  const unit = wait[1] >= 120 ? 60 : 1;
  const [first, last] = wait.map((s) => Math.round(s / unit));
  return `about ${first === last ? last : `${first} to ${last}`} ${unit === 60 ? "min" : "s"}`;
};

/** Fetches a fragment of a page as elements; null where there is none. */
export async function fetchFragment(address, options = {}) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  if (answer.status === 204 || (!answer.ok && answer.status !== 400)) return null;
  const body = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  return [...body.childNodes];
}

export class RunView {
  /**
   * @param {HTMLElement} root the element of templates/demos/run_view.html
   * @param {object} options
   * @param {(view: RunView) => object} options.result makes the kind's view of the result
   * @param {() => string} options.csrfToken
   * @param {(inputs: object) => void} options.onGoOn asked for another run with these inputs in place of this one's
   * @param {(run: object, finished: boolean) => void} [options.onChange]
   */
  constructor(root, { result, csrfToken, onGoOn, onChange = () => {} }) {
    this.root = root;
    this.csrfToken = csrfToken;
    this.onGoOn = onGoOn;
    this.onChange = onChange;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.mayRun = root.hasAttribute("data-can-run");
    this.run = null;
    this.subscription = null;
    this.blank = [...this.part("result").cloneNode(true).childNodes];
    this.result = result(this);
    this.part("stop")?.addEventListener("click", (event) => {
      event.preventDefault(); // without a script it is a form's button
      this.stop();
    });
    this.part("keep")?.addEventListener("click", (event) => {
      event.preventDefault();
      this.keep();
    });
    this.part("discuss")?.addEventListener("click", (event) => this.#discuss(event));
    this.root.addEventListener("submit", (event) => this.#post(event));
    for (const element of root.querySelectorAll("[data-needs-script]")) element.hidden = false;
  }

  get element() {
    return this.part("result");
  }

  get running() {
    return this.run !== null && !FINISHED.has(this.run.state);
  }

  announce(sentence) {
    this.part("announcer").textContent = sentence;
  }

  /**
   * Shows `run` (as the API gives it) and follows it to its end. `mine`: it was made here, just now.
   * `drawn`: the server has drawn its result into the page already.
   */
  show(run, { mine = false, drawn = false } = {}) {
    this.detach();
    this.run = { ...run };
    this.mine = mine;
    this.stopping = false;
    this.connected = true;
    this.root.hidden = false;
    this.root.dataset.run = run.id;
    const finished = FINISHED.has(run.state);
    if (!drawn || !finished) this.result.reset?.(run);
    this.#facts();
    this.#state();
    if (finished) {
      this.#complete(drawn);
      return;
    }
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

  /** Another run with some inputs changed: in this panel, or on a page of its own. */
  goOn(inputs) {
    this.onGoOn(inputs);
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

  /** Has the run go on when this page is left. */
  async keep() {
    if (!this.running || this.run.keep) return;
    const { id } = this.run;
    try {
      await keepRun(id, this.csrfToken());
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (this.run?.id === id) this.complain(problem.message);
      return;
    }
    if (this.run?.id !== id) return;
    const focused = document.activeElement === this.part("keep");
    this.run.keep = true;
    this.#state(true);
    if (focused) this.part("stop")?.focus(); // the button is gone
  }

  /** Shows a sentence about what could not be done. */
  complain(sentence) {
    this.part("problem").hidden = false;
    this.part("problem").textContent = sentence;
    this.announce(sentence);
  }

  /** Puts the server's drawing of the result into the page. */
  async draw() {
    const { id } = this.run;
    let nodes = null;
    try {
      nodes = await fetchFragment(`/runs/${id}/result/`);
    } catch {
      // told below: the connection is gone
    }
    if (this.run?.id !== id) return;
    if (!nodes) {
      this.complain("The result could not be fetched. It stands on the page of this run.");
      return;
    }
    this.element.replaceChildren(...nodes);
    for (const element of this.element.querySelectorAll("[data-needs-script]")) element.hidden = false;
  }

  #take(id, events) {
    if (id !== this.run?.id) return;
    const own = [];
    let announced = false;
    for (const event of events) {
      if (event.type === "state") {
        announced ||= event.state !== this.run.state || event.position !== this.run.position;
        Object.assign(this.run, { ...event, type: undefined, n: undefined });
        this.run.position = event.position ?? null;
        this.run.wait = event.wait ?? null;
      } else if (event.type === "progress") {
        this.#progress(event);
      } else if (event.type === "done") {
        Object.assign(this.run, { state: event.state, output: event.output, error: event.error });
        announced = true;
      } else if (event.type === "tokens") {
        own.push(...single(event));
      } else {
        own.push(event);
      }
    }
    if (own.length && this.run.state === "queued") this.run.state = "running";
    if (own.length) this.result.events?.(own);
    if (announced || own.length) this.#state(announced);
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
      // The result is complete; only its times are not known.
    }
    if (this.run?.id !== id) return;
    this.#state();
    this.#complete(false);
  }

  async #complete(drawn) {
    const { run } = this;
    if (!drawn && run.output && !this.result.drawsItself) await this.draw();
    if (this.run !== run) return;
    this.result.finish?.(run);
    this.#state();
    const place = this.part("branches");
    if (drawn || !this.result.branches || !place) return;
    const nodes = await fetchFragment(`/runs/${run.id}/branches/`);
    if (this.run?.id === run.id) place.replaceChildren(...(nodes ?? []));
  }

  #progress({ done, total, label }) {
    const place = this.part("progress");
    place.hidden = false;
    place.querySelector("progress").value = total ? done / total : 0;
    this.part("progress-words").textContent = [label, total ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : ""]
      .filter(Boolean)
      .join(": ");
  }

  #connection(state) {
    this.connected = state !== "closed" && state !== "connecting" && state !== "reconnecting";
    if (this.run) this.#state();
  }

  #state(announced = false) {
    const { root, run } = this;
    const finished = FINISHED.has(run.state);
    root.dataset.state = run.state;
    const sentence = this.#sentence();
    this.part("status").textContent = this.running && !this.connected ? `${sentence} · connection lost, trying again` : sentence;
    if (announced) this.announce(sentence);
    const stop = this.part("stop");
    if (stop) {
      stop.hidden = finished || run.yours === false;
      stop.disabled = this.stopping;
    }
    const keep = this.part("keep");
    if (keep) keep.hidden = finished || this.stopping || run.keep || run.yours === false;
    if (finished) this.part("progress").hidden = true;
    for (const element of root.querySelectorAll("[data-when]")) {
      element.hidden = element.dataset.when === "finished" ? !finished : finished;
    }
    const problem = this.part("problem");
    problem.hidden = !(finished && run.error);
    problem.textContent = run.error || "";
    this.onChange(run, finished);
  }

  #sentence() {
    const { run } = this;
    const sentence = this.#stateSentence();
    return this.running && run.keep && run.yours && !this.stopping ? `${sentence} · goes on when you leave` : sentence;
  }

  // What the kind has to say ("64 tokens") stands between the state and the times.
  #stateSentence() {
    const { run } = this;
    const words = this.result.words?.(run) ?? [];
    switch (run.state) {
      case "queued":
        if (this.stopping) return "Stopping";
        if (!run.position) return "Queued";
        return [
          run.position === 1 ? "Queued: yours is next" : `Queued: ${count(run.position - 1, "run", "runs")} before yours`,
          waiting(run.wait),
        ]
          .filter(Boolean)
          .join(", ");
      case "running":
        return [this.stopping ? "Stopping" : "Running", ...words].join(" · ");
      case "succeeded":
        // What was computed for somebody else some time ago says nothing about how fast the model is now.
        if (run.stored) return [this.result.ended?.(run) ?? "Done", "stored result", ...words].join(" · ");
        return [this.result.ended?.(run) ?? "Done", ...words, ...this.#times()].join(" · ");
      case "cancelled":
        return ["Stopped", ...words, ...this.#times()].join(" · ");
      case "expired":
        return "Not run: it waited too long in the queue";
      default:
        return ["Failed", ...words].join(" · ");
    }
  }

  #times() {
    const at = (name) => (this.run[name] ? Date.parse(this.run[name]) / 1000 : NaN);
    const took = at("finished_at") - at("started_at");
    return took > 0 ? [seconds(took), ...(this.result.rate?.(took) ?? [])] : [];
  }

  #facts() {
    const { id, inputs } = this.run;
    for (const name of ["permalink", "discuss"]) {
      const link = this.part(name);
      if (link) link.href = link.dataset.href.replace(NOBODY, id);
    }
    this.root.querySelector(".discuss-form")?.remove();
    const seed = this.part("seed");
    if (seed) seed.textContent = inputs.seed == null ? "" : `seed ${inputs.seed}`;
    const branches = this.part("branches");
    if (branches && !this.result.branches) branches.replaceChildren();
  }

  // The form opens below the buttons; without a script it is a page of its own.
  async #discuss(event) {
    event.preventDefault();
    const link = event.currentTarget;
    const open = this.root.querySelector(".discuss-form");
    if (open) {
      open.remove();
      return;
    }
    const nodes = await fetchFragment(`${link.href}?inline`);
    if (!nodes) {
      location.assign(link.href);
      return;
    }
    link.closest(".run-tools").after(...nodes);
    this.root.querySelector(".discuss-form textarea")?.focus();
  }

  async #post(event) {
    const form = event.target.closest(".discuss-form");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const nodes = await fetchFragment(form.action, { method: "POST", body: new FormData(form) });
    if (nodes) form.replaceWith(...nodes);
    else button.disabled = false;
  }
}
