// My schedule: what is taken off is crossed out at once, and can be put back as long as the page is open. For visitors the
// bookmarks of this browser are put into the page; days are those of the zone in the cookie that time.js keeps.
import { bookmarked } from "./marks.js";
import { localize, timeZone } from "../site/time.js";

const MOST_NAMED = 200; // of each kind; the address names them
const LONGEST_ADDRESS = 6000;

const page = document.querySelector("[data-my-schedule]");
const place = page.querySelector("[data-entries]");

function markRemoved() {
  for (const entry of page.querySelectorAll(".entry")) {
    const stars = [...entry.querySelectorAll("[data-bookmark]")];
    const on = stars.some((star) => star.getAttribute("aria-pressed") === "true");
    entry.classList.toggle("is-removed", stars.length > 0 && !on && !entry.classList.contains("is-settled"));
  }
}

function addressOfBookmarks() {
  const address = new URL(place.dataset.entries, location.href);
  const left = { session: MOST_NAMED, event: MOST_NAMED, paper: MOST_NAMED };
  for (const key of bookmarked()) {
    const kind = key.slice(0, key.indexOf(":"));
    if (!(left[kind] > 0)) continue;
    left[kind] -= 1;
    address.searchParams.append(kind, key.slice(kind.length + 1));
    if (address.href.length > LONGEST_ADDRESS) break;
  }
  address.searchParams.sort();
  return address;
}

async function showVisitors() {
  const address = addressOfBookmarks();
  const none = page.querySelector("[data-no-entries]");
  if (!address.search) return;
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }); // a piece of a page
    if (!answer.ok) throw new Error(String(answer.status));
    place.innerHTML = await answer.text();
    localize(place);
    none.hidden = Boolean(place.querySelector(".entry"));
    if (!none.hidden) none.textContent = "Nothing you bookmarked in this browser has a time in the schedule.";
  } catch {
    none.textContent = "Your schedule could not be read: the site cannot be reached. Load the page again to try anew.";
  }
}

if (place) {
  await showVisitors();
} else if (page.dataset.zone && page.dataset.zone !== timeZone()) {
  // The first visit: the server did not know this browser's zone yet.
  try {
    if (sessionStorage.getItem("my-schedule-zone") !== timeZone()) {
      sessionStorage.setItem("my-schedule-zone", timeZone());
      location.reload();
    }
  } catch {
    // Without storage the days stay those of the server's zone.
  }
}
document.addEventListener("bookmarkschange", markRemoved);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-timezone-picker]")) location.reload();
});
