// What stands around the map: the card of a paper, the legend, and the list of an area with its keywords.
import { drawMark, markOf } from "./map_draw.js";

const MOST_LISTED = 100;
const MOST_KEYWORDS = 15;

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** The card beside a point. `paperUrl(i)` is the address of a paper. */
export class Card {
  constructor(root, paperUrl) {
    this.root = root;
    this.paperUrl = paperUrl;
    this.title = element("a", "map-card-title");
    this.authors = element("p", "small muted");
    this.facts = element("p", "small muted");
    root.append(this.title, this.authors, this.facts);
  }

  /** `firm`: it stays until something else is touched and its link can be followed. */
  show(points, i, left, top, { firm, marks }) {
    this.title.textContent = points.title(i);
    this.title.href = this.paperUrl(i);
    this.authors.textContent = points.authors?.[i] ?? "";
    const keywords = (points.paperKeywords?.[i] ?? []).slice(0, 4).map((n) => points.keywords[n]);
    this.facts.textContent = [points.groupName(i), ...marks, keywords.join(", ")].filter(Boolean).join(" · ");
    this.root.classList.toggle("is-firm", firm);
    this.root.hidden = false;
    const { offsetWidth: width, offsetHeight: height, parentElement: frame } = this.root;
    const x = left + 16 + width > frame.clientWidth ? Math.max(4, left - 16 - width) : left + 16;
    const y = Math.min(Math.max(4, top - height / 2), Math.max(4, frame.clientHeight - height - 4));
    // On a narrow screen there is no room beside a point: above or below it.
    const narrow = width + 40 > frame.clientWidth / 2;
    const below = top + 24 + height < frame.clientHeight;
    this.root.style.left = `${narrow ? Math.min(Math.max(4, left - width / 2), frame.clientWidth - width - 4) : x}px`;
    this.root.style.top = `${narrow ? (below ? top + 20 : Math.max(4, top - height - 20)) : y}px`;
  }

  hide() {
    this.root.hidden = true;
  }
}

/** Checkboxes with the marks of the groups; `changed(group, on)` for group numbers, -1 for papers without one. */
export class Legend {
  constructor(root, points, changed) {
    this.root = root;
    this.marks = [];
    const counts = new Map();
    for (const group of points.group) counts.set(group, (counts.get(group) ?? 0) + 1);
    const numbers = [...points.groups.keys()];
    if (counts.has(-1)) numbers.push(-1);
    root.hidden = numbers.length < 2;
    const list = root.querySelector("ul");
    for (const group of numbers) {
      const label = element("label");
      const box = element("input");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => changed(group, box.checked));
      const mark = element("canvas", "map-mark");
      mark.setAttribute("aria-hidden", "true");
      this.marks.push([mark, group]);
      const name = element("span", "map-group-name", group < 0 ? `Without ${points.groupedBy.toLowerCase()}` : points.groups[group]);
      label.append(box, mark, name, element("span", "muted", String(counts.get(group) ?? 0)));
      const item = element("li");
      item.append(label);
      list.append(item);
    }
    root.querySelector("[data-legend-title]").textContent = points.groupedBy;
    for (const button of root.querySelectorAll("[data-legend]")) {
      button.addEventListener("click", () => {
        for (const box of list.querySelectorAll("input")) {
          if (box.checked !== (button.dataset.legend === "all")) box.click();
        }
      });
    }
  }

  paint(colours) {
    const ratio = devicePixelRatio || 1;
    for (const [canvas, group] of this.marks) {
      canvas.width = canvas.height = 16 * ratio;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      drawMark(context, colours, markOf(group), 8, 8, 5.5);
    }
  }
}

/** The list of papers in an area or of a search: a heading, keywords, links. `pointTo(i)` is told what is looked at. */
export class Listing {
  constructor(root, { paperUrl, keywordUrl, pointTo }) {
    this.paperUrl = paperUrl;
    this.keywordUrl = keywordUrl;
    this.pointTo = pointTo;
    this.heading = root.querySelector("[data-listing-title]");
    this.said = root.querySelector("[data-listing-said]");
    this.keywords = root.querySelector("[data-listing-keywords]");
    this.list = root.querySelector("ol");
    this.clearButton = root.querySelector("[data-listing-clear]");
    this.hint = this.said.textContent;
    this.list.addEventListener("pointerover", (event) => this.pointed(event));
    this.list.addEventListener("focusin", (event) => this.pointed(event));
    this.list.addEventListener("pointerleave", () => pointTo(-1));
    this.list.addEventListener("focusout", () => pointTo(-1));
  }

  pointed(event) {
    const item = event.target.closest("[data-point]");
    this.pointTo(item ? Number(item.dataset.point) : -1);
  }

  clear() {
    this.heading.textContent = "Papers of an area";
    this.said.textContent = this.hint;
    this.keywords.replaceChildren();
    this.list.replaceChildren();
    this.clearButton.hidden = true;
  }

  /** Papers `found` (points), of which there may be more than are on the map (`count`). */
  show(points, found, { title, count = found.length, sorted = false }) {
    const order = sorted
      ? found
      : [...found].sort((a, b) => points.title(a).localeCompare(points.title(b), "en", { sensitivity: "base" }));
    const shown = order.slice(0, MOST_LISTED);
    this.heading.textContent = title;
    let said = counted(count, "paper");
    if (count > shown.length && shown.length) said += `; the first ${shown.length} are listed`;
    this.said.textContent = `${said}.`;
    this.clearButton.hidden = false;
    this.showKeywords(points, found);
    this.list.replaceChildren(
      ...shown.map((i) => {
        const item = element("li");
        item.dataset.point = i;
        const link = element("a", "title-link", points.title(i));
        link.href = this.paperUrl(i);
        item.append(link, element("p", "small muted", points.authors?.[i] ?? ""));
        return item;
      }),
    );
  }

  showKeywords(points, found) {
    const counts = new Map();
    for (const i of found) {
      for (const n of points.paperKeywords?.[i] ?? []) counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    // What stands on many papers of the area; of two as frequent, the one that is rarer elsewhere (its number is higher).
    const most = [...counts].sort(([n, a], [m, b]) => b - a || m - n).slice(0, MOST_KEYWORDS);
    this.keywords.replaceChildren(
      ...most.map(([n, count]) => {
        const link = element("a", "tag", points.keywords[n]);
        link.href = this.keywordUrl(points.keywords[n]);
        const number = element("span", "map-count", String(count));
        number.setAttribute("aria-label", `, ${counted(count, "paper")}`);
        link.append(" ", number);
        return link;
      }),
    );
  }
}
