// Sessions of the frozen schedule under the days of the viewer's zone.

import { localTime } from "../site/time.js";

const root = document.querySelector("[data-frozen-schedule]");

function regroup() {
  const days = new Map();
  for (const item of root.querySelectorAll("[data-start]")) {
    const day = localTime(item.dataset.start, "date");
    if (!days.has(day)) days.set(day, []);
    days.get(day).push(item);
  }
  for (const section of root.querySelectorAll("section")) section.remove();
  for (const [day, items] of days) {
    const section = document.createElement("section");
    const list = Object.assign(document.createElement("ol"), { className: "plain-list frozen-sessions" });
    list.append(...items);
    section.append(Object.assign(document.createElement("h2"), { textContent: day }), list);
    root.append(section);
  }
}

if (root) {
  regroup();
  for (const picker of document.querySelectorAll("[data-timezone-picker]")) picker.addEventListener("change", regroup);
}
