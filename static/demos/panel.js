// Panels and pages of runs of one kind. A kind's module calls `demoKind` once; without the script the form is posted and
// leads to the run's own page.

import { csrfToken } from "../site/site.js";
import { createRun, fetchRun, Problem } from "./api.js";
import { InputForm } from "./input_form.js";
import { recordInPage } from "./parts.js";
import { RunView } from "./run_view.js";

const HASH = /^#run=([0-9a-f-]{36})$/;

class Panel {
  constructor(root, kind) {
    this.root = root;
    this.slug = root.dataset.demo;
    this.form = new InputForm(root.querySelector("form[data-inputs]"), kind.summarize ?? (() => ""));
    this.view = new RunView(root.querySelector("[data-run-view]"), {
      result: kind.result,
      csrfToken,
      onGoOn: (inputs) => this.goOn(inputs),
      onChange: (run, finished) => this.form.busy(!finished),
    });
    this.form.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start(this.form.inputs());
    });
    this.view.part("again")?.addEventListener("click", () => {
      this.form.fill({ ...this.view.run.inputs, seed: null });
      this.start({ ...this.form.inputs(), ...this.#hidden(this.view.run.inputs), seed: null });
    });
    this.view.part("keep-seed")?.addEventListener("click", () => this.form.fill({ seed: this.view.run.inputs.seed }));
    root.addEventListener("demo:stored", ({ detail }) => this.join(detail));
    root.addEventListener("click", (event) => this.#branch(event));
    kind.mount?.(this);
  }

  // Inputs that the form has no field for, such as the run that this one went on from.
  #hidden(inputs) {
    return Object.fromEntries(Object.entries(inputs).filter(([name]) => !this.form.control(name)));
  }

  async start(inputs) {
    if (this.view.running) return;
    this.form.clearProblems();
    this.form.busy(true);
    try {
      this.show(await createRun(this.slug, inputs, csrfToken()), { mine: true });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.form.busy(false);
      this.form.showProblem(problem);
    }
  }

  goOn(inputs) {
    if (this.view.running) this.view.stop();
    this.view.detach();
    this.form.fill(inputs);
    this.start({ ...this.form.inputs(), ...inputs });
  }

  show(run, options = {}) {
    history.replaceState(history.state, "", `#run=${run.id}`);
    this.view.show(run, options);
  }

  /** Shows a run that was made earlier or elsewhere. */
  join(run) {
    this.form.fill(run.inputs);
    this.show(run);
  }

  async #branch(event) {
    const link = event.target.closest("[data-branch]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      this.join(await fetchRun(link.dataset.branch));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.view.complain(problem.message);
    }
  }
}

/** The run's own page: no form; going on leads to the new run's page. In a frozen page its record is in the page. */
function runPage(root, kind) {
  const view = new RunView(root, {
    result: kind.result,
    csrfToken,
    onGoOn: async (inputs) => {
      try {
        const run = await createRun(root.dataset.demo, { ...view.run.inputs, ...inputs }, csrfToken());
        location.assign(run.links.page);
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        view.complain(problem.errors.map(({ message }) => message).join(" ") || problem.message);
      }
    },
  });
  const record = recordInPage(root.dataset.run);
  if (record) {
    view.show(record, { drawn: true });
    return;
  }
  fetchRun(root.dataset.run).then(
    (run) => view.show(run, { drawn: run.output !== null && root.dataset.state === run.state }),
    (problem) => view.complain(problem.message),
  );
}

/**
 * Brings a kind's panels and runs to life.
 * @param {string} name of the kind
 * @param {object} kind
 * @param {(view: RunView) => object} kind.result the view of a result; see docs/demos.md
 * @param {(inputs: object) => string} [kind.summarize] folded settings in a line
 * @param {(panel: Panel) => void} [kind.mount] more to do with a panel's form
 */
export function demoKind(name, kind) {
  const panels = new Map();
  for (const root of document.querySelectorAll(`section[data-demo][data-kind="${name}"]`)) {
    panels.set(root.dataset.demo, new Panel(root, kind));
  }
  for (const root of document.querySelectorAll(`[data-run-view][data-run][data-kind="${name}"]`)) {
    const panel = root.closest("section[data-demo]");
    if (!panel) runPage(root, kind);
    else if (panels.has(panel.dataset.demo)) {
      const { view } = panels.get(panel.dataset.demo);
      fetchRun(root.dataset.run).then((run) => view.show(run, { drawn: true }), (problem) => view.complain(problem.message));
    }
  }
  for (const element of document.querySelectorAll("[data-without-script]")) element.hidden = true;

  // "#run=<id>" in the address: a reload, or a link somebody sent, joins the run.
  async function joinFromAddress() {
    const id = HASH.exec(location.hash)?.[1];
    if (!id || !panels.size) return;
    try {
      const run = await fetchRun(id);
      const panel = panels.get(run.demo);
      if (panel && panel.view.run?.id !== id) panel.join(run);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      panels.values().next().value.form.showProblem(problem);
    }
  }
  joinFromAddress();
  addEventListener("hashchange", joinFromAddress);
}
