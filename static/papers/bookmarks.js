// The bookmarks page: visitors' bookmarks are named to the server, which shows the papers; printing.
import { bookmarked } from "./marks.js";

const MOST_BYTES = 7_000;
const page = document.querySelector("[data-bookmarks-page]");

async function showKept() {
  if (!page.hasAttribute("data-kept-in-browser")) return;
  let bytes = 0;
  const uids = bookmarked("paper").filter((uid) => (bytes += encodeURIComponent(uid).length + 7) < MOST_BYTES);
  if (!uids.length) return;
  const query = new URLSearchParams(location.search);
  for (const uid of uids) query.append("paper", uid);
  try {
    const answer = await fetch(`${location.pathname}?${query}`);
    if (!answer.ok) return;
    const theirs = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-bookmarks-page]");
    page.replaceChildren(...theirs.childNodes);
    ready();
  } catch {
    page.querySelector("[data-no-bookmarks]").textContent = "Your bookmarks cannot be loaded: the site cannot be reached.";
  }
}

function ready() {
  for (const button of page.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}

ready();
showKept();
