// The schedule: days are cut by the server in the zone it knows; when that is not the viewer's (the first visit,
// or another choice in the page's header), the page is asked for again. Marks what is on now.
import { setTimeZone, timeZone } from "../site/time.js";

const page = document.querySelector("[data-schedule]");
const select = page.querySelector("#tz");

// Once for each zone: with cookies refused, the server would never learn it.
function followZone() {
  const zone = timeZone();
  if (zone === page.dataset.zone || zone === page.dataset.asked) return;
  page.dataset.asked = zone;
  try {
    if (sessionStorage.getItem("schedule-zone") === zone) return;
    sessionStorage.setItem("schedule-zone", zone);
  } catch {
    return;
  }
  location.reload();
}

function choose(zone) {
  try {
    sessionStorage.removeItem("schedule-zone");
  } catch {
    // Without storage the page keeps the server's zone.
  }
  setTimeZone(zone);
  followZone();
}

for (const button of page.querySelectorAll("[data-without-script]")) button.hidden = true;
select.addEventListener("change", () => choose(select.value));
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-timezone-picker]")) choose(event.target.value);
});
if (timeZone() === page.dataset.zone) {
  try {
    sessionStorage.removeItem("schedule-zone");
  } catch {
    // Nothing was stored.
  }
} else {
  followZone();
}

// Many days are a long row: show the present one.
page.querySelector(".days [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

function markNow() {
  const now = Date.now();
  for (const slot of page.querySelectorAll("[data-start]")) {
    const [start, end] = [Date.parse(slot.dataset.start), Date.parse(slot.dataset.end)];
    slot.classList.toggle("is-now", start <= now && now < end);
    slot.classList.toggle("is-over", end <= now);
  }
}

setInterval(markNow, 30_000);
