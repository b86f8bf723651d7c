// Papers for a visitor: the bookmarks of this browser go into the address, the answer into the page.
import { bookmarked } from "./marks.js";

const MOST = 50;
const place = document.getElementById("for-you");

async function ask() {
  const uids = bookmarked("paper").slice(0, MOST);
  if (!place.dataset.ask || uids.length === 0) return;
  const query = new URLSearchParams(uids.map((uid) => ["uids", uid]));
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${place.dataset.ask}?${query}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...page.getElementById("for-you").childNodes);
  } catch {
    const note = document.createElement("p");
    note.className = "notice notice-error";
    note.textContent = "Papers for you could not be loaded; try again in a moment.";
    place.replaceChildren(note);
  }
  place.removeAttribute("aria-busy");
}

ask();
