// The schedule: follows the viewer's time zone, sends filters when they are changed, marks what is on now with a line
// that moves, and shows visitors what they have bookmarked in this browser.
import { clockOfDay, setTimeZone, timeZone } from "../site/time.js";
import { bookmarked } from "./marks.js";
import { keepNowLine } from "./schedule_now.js";

const page = document.querySelector("[data-schedule]");
const select = page.querySelector("#tz");

// On a phone a list reads best; which view is shown stands in the address from then on.
if ("defaultView" in page.dataset && matchMedia("(max-width: 639px)").matches) {
  const address = new URL(location.href);
  address.searchParams.set("view", "agenda");
  location.replace(address);
}

// --- Zone. Days are cut by the server in the zone it knows; when that is not the viewer's (the first visit, or another
// choice in the page's header), the page is asked for again. -------------------------------------------------------

const kept = {
  get: () => {
    try {
      return sessionStorage.getItem("schedule-zone");
    } catch {
      return null;
    }
  },
  set: (zone) => {
    try {
      if (zone) sessionStorage.setItem("schedule-zone", zone);
      else sessionStorage.removeItem("schedule-zone");
      return true;
    } catch {
      return false; // without storage the page keeps the server's zone
    }
  },
};

// Once for each zone: with cookies refused, the server would never learn it.
function followZone() {
  const zone = timeZone();
  if (zone === page.dataset.zone || zone === kept.get() || !kept.set(zone)) return;
  location.reload();
}

function choose(zone) {
  kept.set("");
  setTimeZone(zone);
  followZone();
}

for (const button of page.querySelectorAll("[data-without-script]")) button.hidden = true;
if ("profileZone" in select.dataset) {
  // Members' choice goes into their profile; a zone of the browser alone is none.
  if (!document.documentElement.dataset.timezone) select.value = "";
  select.addEventListener("change", () => select.form.requestSubmit());
} else {
  select.addEventListener("change", () => choose(select.value));
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-timezone-picker]")) choose(event.target.value);
});
if (timeZone() === page.dataset.zone) kept.set("");
else followZone();

// --- Filters ----------------------------------------------------------------------------------------------------------

const filters = page.querySelector("[data-filters]");
filters?.addEventListener("change", () => {
  for (const field of filters.elements) if (field.value === "" && field.name) field.disabled = true; // keeps the address short
  filters.requestSubmit();
});
addEventListener("pageshow", () => {
  for (const field of filters?.elements ?? []) field.disabled = false;
});

function showBookmarked() {
  const keys = new Set(bookmarked());
  const days = [...page.querySelectorAll(".day")];
  for (const slot of page.querySelectorAll("[data-key]")) {
    slot.hidden = !keys.has(slot.dataset.key) && !keys.has(slot.dataset.event);
  }
  for (const block of page.querySelectorAll(".block")) block.hidden = !block.querySelector("[data-key]:not([hidden])");
  for (const day of days) day.hidden = !day.querySelector(".block:not([hidden])");
  page.querySelector("[data-no-bookmarks]").hidden = !days.length || days.some((day) => !day.hidden);
}

if ("bookmarkedOnly" in page.dataset && page.querySelector("[data-no-bookmarks]")) {
  showBookmarked();
  document.addEventListener("bookmarkschange", showBookmarked);
}

// --- Now --------------------------------------------------------------------------------------------------------------

// Many days are a long row: show the present one.
page.querySelector(".days [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
keepNowLine(page, page.dataset.zone);

for (const row of document.querySelectorAll("[data-week] tr[data-minute]")) {
  const label = row.querySelector("th span");
  if (label) label.textContent = clockOfDay(Number(row.dataset.minute));
}
