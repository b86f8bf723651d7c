// Bookmarks and visited papers. Members' are in their account: the star's form is sent here without leaving the page.
// Visitors' are in this browser. Other modules ask `bookmarked` and `visited`, and listen to "bookmarkschange" on document.
import { csrfToken } from "../site/site.js";

const MOST = 2000;
const memory = { bookmarks: {}, visited: {} }; // where storage is switched off, for as long as the page is open

function kept(name) {
  try {
    const value = JSON.parse(localStorage.getItem(name) ?? "{}");
    return value && typeof value === "object" && !Array.isArray(value) ? value : {};
  } catch {
    return memory[name];
  }
}

function keep(name, entries) {
  // The oldest go first.
  const newest = Object.entries(entries).sort((a, b) => b[1] - a[1]).slice(0, MOST);
  memory[name] = Object.fromEntries(newest);
  try {
    localStorage.setItem(name, JSON.stringify(memory[name]));
  } catch {
    // Storage is full or switched off.
  }
}

/** What this browser has bookmarked, newest first: "paper:<uid>", "session:<uid>", "event:<uid>"; or the ids of one kind. */
export function bookmarked(kind = "") {
  const keys = Object.entries(kept("bookmarks")).sort((a, b) => b[1] - a[1]).map(([key]) => key);
  return kind ? keys.filter((key) => key.startsWith(`${kind}:`)).map((key) => key.slice(kind.length + 1)) : keys;
}

/** Ids of the papers this browser has visited, the last one first. */
export function visited() {
  return Object.entries(kept("visited")).sort((a, b) => b[1] - a[1]).map(([uid]) => uid);
}

export function rememberVisit(uid) {
  keep("visited", { ...kept("visited"), [uid]: Date.now() });
}

const isMembers = (button) => Boolean(button.form);

function show(button, on) {
  button.setAttribute("aria-pressed", String(on));
  if (isMembers(button)) button.value = on ? "0" : "1";
}

function tell(key, on) {
  for (const button of document.querySelectorAll(`[data-bookmark="${CSS.escape(key)}"]`)) show(button, on);
  document.dispatchEvent(new CustomEvent("bookmarkschange", { detail: { key, bookmarked: on } }));
}

/** Turns a star on or off: at once here, and back with a message if the server refuses. */
export async function toggle(button) {
  const key = button.dataset.bookmark;
  const on = button.getAttribute("aria-pressed") !== "true";
  if (!isMembers(button)) {
    const entries = { ...kept("bookmarks") };
    if (on) entries[key] = Date.now();
    else delete entries[key];
    keep("bookmarks", entries);
    tell(key, on);
    return;
  }
  if (button.getAttribute("aria-busy") === "true") return;
  const body = new URLSearchParams(new FormData(button.form));
  body.set("bookmarked", on ? "1" : "0");
  button.setAttribute("aria-busy", "true");
  tell(key, on);
  let problem = "";
  try {
    // It arrives also when the page is left at once.
    const options = { method: "POST", body, headers: { Accept: "application/json" }, keepalive: true };
    const answer = await fetch(button.form.action, options);
    if (!answer.ok) problem = (await answer.json().catch(() => ({}))).detail ?? "The bookmark could not be saved.";
  } catch {
    problem = "The bookmark could not be saved: the site cannot be reached.";
  }
  button.removeAttribute("aria-busy");
  if (problem) {
    tell(key, !on);
    say(problem);
  }
}

/** A sentence for everybody, screen readers included, which goes away again. */
export function say(text) {
  let place = document.getElementById("marks-said");
  if (!place) {
    place = document.createElement("p");
    place.id = "marks-said";
    place.className = "notice marks-said";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.hidden = false;
  place.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (place.hidden = true), 5000);
}

/** Where a member's browser hands over what it had kept; a visitor's has no such place. */
const account = () => document.querySelector("link[data-take-over]")?.dataset.takeOver ?? "";

function refresh(root) {
  const bookmarks = kept("bookmarks");
  for (const button of root.querySelectorAll("button[data-bookmark]")) {
    if (isMembers(button)) continue;
    button.hidden = false;
    show(button, button.dataset.bookmark in bookmarks);
  }
  const seen = kept("visited");
  for (const card of root.querySelectorAll("[data-paper]:not(.is-visited)")) {
    if (card.dataset.paper in seen && !account()) card.classList.add("is-visited");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-bookmark]");
  if (!button) return;
  event.preventDefault();
  toggle(button);
});

/** What was kept before signing in may move into the account. */
function offerToTakeOver() {
  const keys = bookmarked();
  if (!account() || !keys.length) return;
  const notice = document.createElement("div");
  notice.className = "notice bookmarks-in-browser";
  const sentence = document.createElement("p");
  const count = keys.length === 1 ? "One bookmark is" : `${keys.length} bookmarks are`;
  sentence.textContent = `${count} kept in this browser, from before you signed in.`;
  const add = document.createElement("button");
  const drop = document.createElement("button");
  Object.assign(add, { type: "button", className: "button button-small", textContent: "Add to my account" });
  Object.assign(drop, { type: "button", className: "button button-small button-quiet", textContent: "Forget them" });
  notice.append(sentence, add, drop);
  document.getElementById("main").prepend(notice);
  const forget = () => {
    keep("bookmarks", {});
    keep("visited", {});
    notice.remove();
  };
  drop.addEventListener("click", forget);
  add.addEventListener("click", async () => {
    add.disabled = true;
    const body = new URLSearchParams();
    for (const key of keys.slice(0, 500)) body.append("bookmark", key);
    for (const uid of visited().slice(0, 500)) body.append("visited", uid);
    try {
      const answer = await fetch(account(), { method: "POST", body, headers: { "X-CSRFToken": csrfToken() } });
      if (!answer.ok) throw new Error(String(answer.status));
      forget();
      location.reload();
    } catch {
      add.disabled = false;
      say("The bookmarks could not be saved. Please try again.");
    }
  });
}

const page = document.querySelector("[data-visit]");
if (page && !account()) rememberVisit(page.dataset.visit);
refresh(document);
offerToTakeOver();
new MutationObserver((changes) => {
  if (changes.some(({ addedNodes }) => [...addedNodes].some((node) => node instanceof Element))) refresh(document);
}).observe(document.getElementById("main") ?? document.body, { childList: true, subtree: true });
// Another tab has changed them.
addEventListener("storage", ({ key }) => (key === "bookmarks" || key === "visited") && refresh(document));
