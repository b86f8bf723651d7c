// Announcements above the page: put away in this browser, and new ones appear while the page is open.

import { live } from "../live/socket.js";

const KEY = "announcements-put-away";
const MOST_KEPT = 100;
// Who only passes through needs no connection; a conversation on the page has one anyway.
const SETTLED = 3000;

const bar = document.querySelector("[data-announcements]");
const list = bar.querySelector("ul");
const template = bar.querySelector("[data-announcement-template]");
let away = read();
let toldAt = 0;
// What is for some only: members' pages ask for it when its mark changes, not all at the same moment.
const MOST_PINNED = 3;
const SPREAD = 20_000;
const ownUrl = bar.dataset.ownUrl;
let ownMark = bar.dataset.own;
let everybodys = [];
let own = null;
let asking = null;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function putAway(key) {
  away = [...read().filter((other) => other !== key), key].slice(-MOST_KEPT);
  try {
    localStorage.setItem(KEY, JSON.stringify(away));
  } catch {
    // Storage is switched off: it is away from this page only.
  }
}

function built({ key, title, html, more, url }) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.announcement = key;
  item.querySelector("a").innerHTML = title; // rendered and sanitized by the server, as the text is
  item.querySelector(".prose").innerHTML = html;
  for (const link of item.querySelectorAll(":scope a[href='']")) link.href = url;
  item.querySelector(".announcement-more").hidden = !more;
  item.querySelector("[data-put-away]").hidden = false;
  return item;
}

function show({ at, items, own: mark }) {
  if (at < toldAt) return; // overtaken on its way by a later one
  toldAt = at;
  everybodys = items;
  if (ownUrl && mark !== ownMark) {
    ownMark = mark;
    if (mark) ask();
    else own = [];
  }
  draw();
}

function ask() {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    try {
      const response = await fetch(ownUrl, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      own = (await response.json()).items;
      draw();
    } catch {
      // The line is down: the next page brings it.
    }
  }, Math.random() * SPREAD);
}

/** Makes the list say what the server says; what stays is not touched, so that nothing is read out twice. */
function draw() {
  const items = [...(own ?? []), ...everybodys].slice(0, MOST_PINNED);
  const keys = items.map(({ key }) => key);
  for (const item of [...list.children]) {
    // Until it was asked for, what is for some only stands as the page came.
    if (own === null && "forSome" in item.dataset) continue;
    if (!keys.includes(item.dataset.announcement)) item.remove();
  }
  for (const item of [...items].reverse()) {
    if (away.includes(item.key) || list.querySelector(`[data-announcement="${CSS.escape(item.key)}"]`)) continue;
    list.prepend(built(item));
  }
}

list.addEventListener("click", (event) => {
  const item = event.target.closest("[data-put-away]")?.closest("[data-announcement]");
  if (!item) return;
  putAway(item.dataset.announcement);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  (next?.querySelector("[data-put-away]") ?? document.querySelector("#main"))?.focus({ preventScroll: true });
});
// Put away in another tab.
addEventListener("storage", ({ key }) => {
  if (key !== KEY) return;
  away = read();
  for (const item of [...list.children]) if (away.includes(item.dataset.announcement)) item.remove();
});

function follow() {
  live.subscribe("site:announcements", {
    onEvents: (events) => {
      const last = events.findLast(({ type }) => type === "announcements");
      if (last) show(last);
    },
  });
}
if (document.querySelector("[data-chat]")) follow();
else setTimeout(follow, SETTLED);
