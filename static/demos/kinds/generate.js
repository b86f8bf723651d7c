// The panel of kind "generate": a form, the run made from it, and the runs that go on from a chosen alternative.
// Without this script the form is posted and leads to the run's own page.

import { csrfToken as pageToken } from "../../site/site.js";
import { createRun, fetchRun, Problem } from "../api.js";
import { InputForm } from "../input_form.js";
import { RunView } from "../run_view.js";

const HASH = /^#run=([0-9a-f-]{36})$/;

/** "up to 64 tokens · temperature 0.8 · new seed each time" */
function summarize({ max_new_tokens: length, temperature, top_p: topP, top_k: topK, seed }) {
  return [
    `up to ${length ?? "?"} tokens`,
    temperature === 0 ? "always the likeliest" : `temperature ${temperature ?? "?"}`,
    topP !== null && topP < 1 ? `top-p ${topP}` : "",
    topK ? `top-k ${topK}` : "",
    seed === null ? "a new seed each time" : `seed ${seed}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

class GeneratePanel {
  constructor(root) {
    this.slug = root.dataset.demo;
    this.form = new InputForm(root.querySelector("form[data-inputs]"), summarize);
    this.view = new RunView(root.querySelector("[data-run-view]"), {
      csrfToken: pageToken,
      onContinue: (prompt) => this.continueFrom(prompt),
      onChange: (run, finished) => this.form.busy(!finished),
    });
    this.form.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start(this.form.inputs());
    });
    this.view.part("again").addEventListener("click", () => {
      this.form.fill({ ...this.view.run.inputs, seed: null });
      this.start(this.form.inputs());
    });
    this.view.part("keep-seed").addEventListener("click", () => this.form.fill({ seed: this.view.run.inputs.seed }));
  }

  async start(inputs) {
    if (this.view.running) return;
    this.form.clearProblems();
    this.form.busy(true);
    try {
      this.show(await createRun(this.slug, inputs, pageToken()), { mine: true });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.form.busy(false);
      this.form.showProblem(problem);
    }
  }

  continueFrom(prompt) {
    if (this.view.running) this.view.stop();
    this.view.detach();
    this.form.fill({ prompt, seed: null });
    this.start(this.form.inputs());
  }

  show(run, { mine = false } = {}) {
    history.replaceState(history.state, "", `#run=${run.id}`);
    this.view.show(run, { mine });
  }

  /** Joins a run that was made earlier or elsewhere. */
  join(run) {
    this.form.fill(run.inputs);
    this.show(run);
  }
}

/** The run's own page: no form; going on leads to the new run's page. */
class GenerateRunPage {
  constructor(root) {
    const slug = root.dataset.demo;
    this.view = new RunView(root, {
      csrfToken: pageToken,
      onContinue: async (prompt) => {
        try {
          const run = await createRun(slug, { ...this.view.run.inputs, prompt, seed: null }, pageToken());
          location.assign(run.links.page);
        } catch (problem) {
          if (!(problem instanceof Problem)) throw problem;
          this.view.complain(problem.errors.map(({ message }) => message).join(" ") || problem.message);
        }
      },
    });
    fetchRun(root.dataset.run).then(
      (run) => this.view.show(run),
      (problem) => this.view.complain(problem.message),
    );
  }
}

const panels = new Map();
for (const root of document.querySelectorAll("[data-demo][data-kind=generate]")) {
  panels.set(root.dataset.demo, new GeneratePanel(root));
}
for (const root of document.querySelectorAll("[data-run-view][data-run]")) new GenerateRunPage(root);

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
