// Kind "sparsity": a slider over all levels that were computed; the curve and the map of what is left.

import { colour, onColours, oncePerFrame, prepare, rgba } from "../attention/canvas.js";
import { demoKind } from "../panel.js";
import { fetchPart } from "../parts.js";

const TALL = 190;
const words = (p) => (p >= 1e7 ? p.toExponential(1) : p >= 100 ? Math.round(p).toLocaleString("en") : p.toFixed(1));

class Sparsity {
  constructor(view) {
    this.view = view;
    this.part = (name) => view.element.querySelector(`[data-part="${name}"]`);
    this.draw = oncePerFrame(() => this.#curve());
    onColours(() => {
      this.draw();
      this.#map();
    });
  }

  reset(run) {
    this.levels = [];
    this.other = [];
    this.matrices = [];
    this.run = run;
    this.part("prompt").textContent = run.inputs.prompt;
    this.part("sample").textContent = "";
    this.part("perplexity").textContent = "";
    this.part("left").textContent = "";
    this.part("map").replaceChildren();
    this.#watch();
  }

  events(events) {
    for (const event of events) {
      if (event.type !== "level" || this.levels.some(({ sparsity }) => sparsity === event.sparsity)) continue;
      this.levels.push(event);
      this.#level(this.levels.length - 1);
    }
  }

  finish(run) {
    if (!run.output?.levels?.length) return;
    this.run = run;
    ({ levels: this.levels, other: this.other, matrices: this.matrices } = run.output);
    this.#watch();
    const chosen = this.levels.findIndex(({ sparsity }) => sparsity === run.inputs.sparsity);
    this.#level(Math.max(0, chosen));
  }

  #watch() {
    const slider = this.part("slider");
    slider.addEventListener("input", () => this.#level(Number(slider.value)));
    new ResizeObserver(this.draw).observe(this.part("curve").parentElement);
  }

  #level(place) {
    this.at = place;
    const level = this.levels[place];
    const slider = this.part("slider");
    this.part("slider-row").hidden = false;
    slider.max = this.levels.length - 1;
    slider.value = place;
    slider.setAttribute("aria-valuetext", `${level.sparsity} %, perplexity ${words(level.perplexity)}`);
    this.part("percent").textContent = `${level.sparsity} %`;
    this.part("perplexity").textContent = words(level.perplexity);
    this.part("left").textContent = `${level.left.toLocaleString("en")} of ${level.size.toLocaleString("en")}`;
    this.part("sample").textContent = level.sample;
    this.draw();
    this.#map();
  }

  #curve() {
    const canvas = this.part("curve");
    const width = canvas?.parentElement.clientWidth;
    if (!width || !this.levels?.length) return;
    const context = prepare(canvas, width, TALL);
    const [accent, muted, text] = ["--accent", "--muted", "--text"].map((name) => colour(this.view.element, name));
    const left = 48;
    const bottom = TALL - 24;
    const all = [...this.levels.map(({ perplexity }) => perplexity), ...this.other.map(([, p]) => p)].map(Math.log);
    const low = Math.min(...all);
    // What is worse than a million times as bad is off the chart.
    const high = Math.max(Math.min(Math.max(...all), low + Math.log(1e6)), low + 1);
    const x = (percent) => left + (percent / 100) * (width - left - 22);
    const y = (p) => bottom - ((Math.min(Math.log(p), high) - low) / (high - low)) * (bottom - 16);
    context.font = `12px ${getComputedStyle(this.view.element).fontFamily}`;
    context.fillStyle = rgba(muted, 1);
    context.strokeStyle = rgba(muted, 0.25);
    context.textAlign = "center";
    for (let percent = 0; percent <= 100; percent += 20) context.fillText(`${percent} %`, x(percent), TALL - 6);
    context.textAlign = "right";
    for (let i = 0; i <= 3; i++) {
      const value = Math.exp(low + ((high - low) * i) / 3);
      context.fillText(words(value), left - 6, y(value) + 4);
      context.beginPath();
      context.moveTo(left, y(value));
      context.lineTo(width - 22, y(value));
      context.stroke();
    }
    const line = (points, ink, dash) => {
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.setLineDash(dash);
      context.beginPath();
      points.forEach(([s, p], i) => (i ? context.lineTo(x(s), y(p)) : context.moveTo(x(s), y(p))));
      context.stroke();
      context.setLineDash([]);
    };
    line(this.other, rgba(muted, 0.9), [4, 4]);
    line(this.levels.map(({ sparsity, perplexity }) => [sparsity, perplexity]), rgba(accent, 1), []);
    const here = this.levels[this.at];
    context.fillStyle = rgba(text, 1);
    context.beginPath();
    context.arc(x(here.sparsity), y(here.perplexity), 5, 0, 7);
    context.fill();
    const way = { magnitude: "smallest first", random: "at random" };
    const { method } = this.run.inputs;
    this.part("legend").textContent =
      `Line: ${way[method]}` + (this.other.length ? `; dashed: ${way[method === "random" ? "magnitude" : "random"]}. Perplexity on a logarithmic scale.` : "");
  }

  /** A square for each field of each matrix, the darker the more is left. */
  async #map() {
    const place = this.part("map");
    const level = this.levels?.[this.at];
    if (!place || !level || !this.matrices.length) return;
    const at = this.at;
    let cells;
    try {
      cells = new Uint8Array(await fetchPart(this.run.id, `left-${level.sparsity}`));
    } catch {
      return; // the numbers are there; only the picture is not
    }
    if (at !== this.at) return;
    const ink = colour(this.view.element, "--accent");
    if (place.children.length !== this.matrices.length) {
      place.replaceChildren(
        ...this.matrices.map(([name, size]) => {
          const figure = document.createElement("figure");
          const canvas = document.createElement("canvas");
          const caption = document.createElement("figcaption");
          caption.textContent = name.replace(/\.weight$/, "").split(".").slice(-3).join(".");
          caption.title = `${name}, ${size.toLocaleString("en")} weights`;
          figure.append(canvas, caption);
          return figure;
        }),
      );
    }
    let from = 0;
    this.matrices.forEach(([, size, rows, columns], i) => {
      const canvas = place.children[i].firstChild;
      canvas.width = columns;
      canvas.height = rows;
      const image = new ImageData(columns, rows);
      for (let j = 0; j < rows * columns; j++) {
        image.data.set(ink, 4 * j);
        image.data[4 * j + 3] = cells[from + j];
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      from += rows * columns;
      canvas.title = `${Math.round((100 * level.kept[i]) / size)} % left`;
    });
  }

  words() {
    return [];
  }
}

demoKind("sparsity", { result: (view) => new Sparsity(view) });
