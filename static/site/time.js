// Times in the viewer's zone, written one way everywhere: "Mon 3 May 2027, 09:00–10:30". The server prints UTC:
// <time datetime="2020-04-27T08:00:00Z" data-local="datetime">. data-local is datetime, date, time, or range and times
// (with and without the day; both need data-end="…Z"). Every such element is rewritten when the page is loaded and
// whenever one is added to it.

const STYLES = new Set(["datetime", "date", "time", "range", "times"]);

// The site speaks English; whether the clock has 24 hours or twice 12 is the viewer's own language's business.
const TWELVE = Boolean(new Intl.DateTimeFormat(navigator.language, { hour: "numeric" }).resolvedOptions().hour12);
const LOCALE = "en-GB";

const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const zones = new Map();

function known(zone) {
  if (!zones.has(zone)) {
    try {
      Intl.DateTimeFormat(LOCALE, { timeZone: zone });
      zones.set(zone, Boolean(zone));
    } catch {
      zones.set(zone, false);
    }
  }
  return zones.get(zone);
}

function chosenZone() {
  try {
    return localStorage.getItem("timezone") ?? "";
  } catch {
    return "";
  }
}

/** The zone times are shown in: the profile's, else the one picked in this browser, else the browser's own. */
export function timeZone() {
  const profile = document.documentElement.dataset.timezone;
  return [profile, chosenZone(), browserZone()].find(known) ?? "UTC";
}

/** Picks the zone of this browser (blank: the browser's own) and rewrites the page. */
export function setTimeZone(zone) {
  try {
    if (zone) localStorage.setItem("timezone", zone);
    else localStorage.removeItem("timezone");
  } catch {
    // Storage is switched off: the cookie below lasts as long as it can.
  }
  remember();
  localize(document);
}

// The server reads the zone from this cookie where a page is cut into the viewer's days.
function remember() {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `timezone=${timeZone()}; path=/; max-age=31536000; samesite=lax${secure}`;
}

const formats = new Map();

/** The parts of a moment on the clocks of `zone`: weekday, day, month, year, hour, minute, offset ("+02:00"). */
function wall(date, zone) {
  if (!formats.has(zone)) {
    const numbers = { day: "numeric", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const words = { weekday: "long", month: "long", timeZoneName: "longOffset" };
    formats.set(zone, new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...numbers, ...words }));
  }
  const parts = Object.fromEntries(formats.get(zone).formatToParts(date).map(({ type, value }) => [type, value]));
  return { ...parts, offset: parts.timeZoneName.replace("GMT", "") };
}

function minutesOf(offset) {
  const [, sign, hours, minutes] = /^([+-])(\d+):?(\d+)?/.exec(offset) ?? [null, "+", 0, 0];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
}

// In the night the clocks go back an hour happens twice; then the time says which of the two it is.
function happensTwice(date, zone, offset) {
  const here = minutesOf(offset);
  return [-3, 3].some((hours) => {
    const other = minutesOf(wall(new Date(date.valueOf() + hours * 3_600_000), zone).offset);
    if (other === here) return false;
    const twin = new Date(date.valueOf() + (here - other) * 60_000);
    return minutesOf(wall(twin, zone).offset) === other;
  });
}

/** "+02:00" as people write it: "UTC+2". */
const offsetName = (offset) => `UTC${offset.replace(/^([+-])0?(\d+)(?::00)?/, "$1$2").replace("-", "\u2212")}`;

function clock(date, zone, { ended = false } = {}) {
  const { hour, minute, offset } = wall(date, zone);
  const name = TWELVE && !ended ? ` ${Number(hour) < 12 ? "AM" : "PM"}` : "";
  const which = !ended && happensTwice(date, zone, offset) ? ` ${offsetName(offset)}` : "";
  return `${TWELVE ? Number(hour) % 12 || 12 : hour}:${minute}${name}${which}`;
}

/** Minutes after midnight on the viewer's kind of clock: "15:30", "3:30 PM". */
export function clockOfDay(minutes) {
  const hour = Math.floor(minutes / 60) % 24;
  const rest = String(minutes % 60).padStart(2, "0");
  return TWELVE ? `${hour % 12 || 12}:${rest} ${hour < 12 ? "AM" : "PM"}` : `${String(hour).padStart(2, "0")}:${rest}`;
}

// What both ends have in common, the half of the day or which of two hours, is said once.
function clocks(start, end, zone) {
  const from = clock(start, zone);
  const until = clock(end, zone);
  const sameDay = wall(start, zone).day === wall(end, zone).day;
  const common = sameDay && from.split(" ").slice(1).join(" ") === until.split(" ").slice(1).join(" ");
  return `${common ? clock(start, zone, { ended: true }) : from}–${until}`;
}

function dayOf(date, zone, { long = false, year = null } = {}) {
  const day = wall(date, zone);
  const shown = day.year === (year ?? wall(new Date(), zone).year) ? "" : ` ${day.year}`;
  if (long) return `${day.weekday} ${day.day} ${day.month}${shown}`;
  return `${day.weekday.slice(0, 3)} ${day.day} ${day.month.slice(0, 3)}${shown}`;
}

/** `date` (a Date or ISO text) in words of the viewer's zone; range and times need their end. */
export function localTime(date, style = "datetime", end = null) {
  const start = new Date(date);
  const last = new Date(end ?? date);
  if (Number.isNaN(start.valueOf()) || Number.isNaN(last.valueOf()) || !STYLES.has(style)) return String(date);
  const zone = timeZone();
  if (style === "date") return dayOf(start, zone, { long: true });
  if (style === "time") return clock(start, zone);
  if (style === "times") return clocks(start, last, zone);
  const day = dayOf(start, zone);
  if (style === "datetime" || !end) return `${day}, ${clock(start, zone)}`;
  const lastDay = dayOf(last, zone, { year: wall(start, zone).year });
  if (dayOf(start, zone, { year: wall(start, zone).year }) === lastDay) return `${day}, ${clocks(start, last, zone)}`;
  return `${day}, ${clock(start, zone)} – ${lastDay}, ${clock(last, zone)}`;
}

function rewrite(element) {
  if (!element.title && element.textContent.includes("UTC")) element.title = element.textContent.trim();
  const text = localTime(element.dateTime, element.dataset.local, element.dataset.end);
  if (element.textContent !== text) element.textContent = text;
}

/** Rewrites every time at or below `root`. */
export function localize(root) {
  if (root instanceof Element && root.matches("time[data-local]")) rewrite(root);
  for (const element of root.querySelectorAll("time[data-local]")) rewrite(element);
  for (const element of root.querySelectorAll("[data-timezone-name]")) {
    element.textContent = timeZone().split("/").at(-1).replaceAll("_", " ");
    element.title = timeZone();
  }
}

remember();
localize(document);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node instanceof Element) localize(node);
  }
}).observe(document.body, { childList: true, subtree: true });
