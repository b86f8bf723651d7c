// The paper list: keys, quick view, and filters by what a visitor's browser remembers. Works on any list of paper cards.
import { bookmarked, say, toggle, visited } from "./marks.js";
import { QuickView } from "./quick_view.js";

// More than an address can carry would be cut off on its way; the newest matter most.
const MOST_BYTES = 7_000;

const results = document.getElementById("results");
const search = document.getElementById("search");
const keys = document.getElementById("keys");
const member = Boolean(document.querySelector("[data-member]"));
const quickView = new QuickView(document.getElementById("quick-view"), { cards, turnPage });

function cards() {
  return [...results.querySelectorAll(".paper-card")];
}

const linkOf = (card) => card.querySelector("h3 a");
const cardAt = (element) => element?.closest?.(".paper-card") ?? null;

// --- Cards ---------------------------------------------------------------------------------------------------

let last = null; // the card that had the focus last

function focusCard(card) {
  if (!card) return;
  last = card.dataset.paper;
  linkOf(card).focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = cards();
  if (!all.length) return;
  const now = cardAt(document.activeElement) ?? all.find((card) => card.dataset.paper === last && inView(card));
  if (!now) focusCard(all.find(inView) ?? all[0]);
  else focusCard(all[all.indexOf(now) + by]);
}

function inView(card) {
  const { top, bottom } = card.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** The first (or, backwards, the last) card of the next page, once it is there; null where there is none. */
async function turnPage(by) {
  const link = results.querySelector(by > 0 ? ".pages [rel=next]" : ".pages [rel=prev]");
  if (!link) return null;
  const arrived = new Promise((resolve) => document.addEventListener("htmx:afterSettle", resolve, { once: true }));
  link.click();
  await arrived;
  return cards().at(by > 0 ? 0 : -1) ?? null;
}

function addButtons() {
  for (const card of cards()) {
    const tools = card.querySelector(".card-tools");
    if (tools.querySelector(".quick-button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quick-button";
    button.setAttribute("aria-label", `Abstract of “${linkOf(card).textContent.trim().slice(0, 100)}”`);
    button.addEventListener("click", () => quickView.open(card));
    tools.append(button);
  }
}

// --- Keys ----------------------------------------------------------------------------------------------------

const isTyping = (element) =>
  element.isContentEditable || (element.matches("input, textarea, select") && !element.matches("[type=checkbox]"));

function bookmark(card) {
  const button = card?.querySelector("button[data-bookmark]");
  if (!button) return;
  toggle(button);
  say(button.getAttribute("aria-pressed") === "true" ? "Bookmarked" : "No longer bookmarked");
}

const plain = {
  "/": () => search.select(),
  j: () => step(1),
  k: () => step(-1),
  b: () => bookmark(cardAt(document.activeElement)),
  "?": () => keys.showModal(),
};
const onCards = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  " ": (card) => quickView.open(card),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) {
    quickView.key(event);
    return;
  }
  const card = cardAt(event.target);
  const action = plain[event.key] ?? (card && !event.target.matches("button") ? onCards[event.key] : undefined);
  if (!action) return;
  event.preventDefault();
  action(card);
});

for (const button of document.querySelectorAll("[data-show-keys]")) {
  button.addEventListener("click", () => keys.showModal());
}
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

// --- What the browser remembers -------------------------------------------------------------------------------

function newest(uids) {
  let bytes = 0;
  return uids.filter((uid) => (bytes += encodeURIComponent(uid).length + 9) < MOST_BYTES);
}

function isWanted(detail, name) {
  const asked = new URLSearchParams(detail.path.split("?")[1] ?? "");
  return asked.get(name) === "1" || detail.formData?.get(name) === "1";
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (member || !detail.path.startsWith(location.pathname) && !detail.path.startsWith("?")) return;
  if (isWanted(detail, "bookmarked")) {
    for (const uid of ["", ...newest(bookmarked("paper"))]) detail.formData.append("among", uid);
  }
  if (isWanted(detail, "unvisited")) {
    for (const uid of ["", ...newest(visited())]) detail.formData.append("without", uid);
  }
});

function askAgain() {
  // The address alone does not say what this browser remembers.
  if (member || !results.querySelector("[data-ask-again]")) return;
  globalThis.htmx.ajax("GET", location.pathname + location.search, { target: "#results", swap: "innerHTML" });
}

// --- Swapped results -------------------------------------------------------------------------------------------

let turned = false;
results.addEventListener("click", (event) => (turned = Boolean(event.target.closest(".pages a, .sizes a"))));
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== results) return;
  addButtons();
  // The link that had the focus is gone.
  if (turned) results.querySelector(".results-count").focus({ preventScroll: true });
  turned = false;
});

addButtons();
askAgain();
