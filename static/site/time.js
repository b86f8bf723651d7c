// Times in the viewer's zone. The server prints UTC: <time datetime="2020-04-27T08:00:00Z" data-local="datetime">.
// data-local is datetime, date, time or range (which also needs data-end="…Z"). Every such element is rewritten
// when the page is loaded and whenever one is added to it.

const STYLES = {
  datetime: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  date: { weekday: "long", day: "numeric", month: "long" },
  time: { hour: "2-digit", minute: "2-digit" },
  range: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
};

// The site speaks English; the viewer's own English decides between 14:00 and 2:00 PM.
const LOCALE = navigator.languages.find((language) => language.startsWith("en")) ?? "en-GB";

const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

function known(zone) {
  try {
    Intl.DateTimeFormat(LOCALE, { timeZone: zone });
    return Boolean(zone);
  } catch {
    return false;
  }
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

function options(style, date) {
  const year = date.getFullYear() === new Date().getFullYear() || style === "time" ? {} : { year: "numeric" };
  return { ...STYLES[style], ...year, timeZone: timeZone() };
}

/** `date` (a Date or ISO text) in words of the viewer's zone; a range needs its end. */
export function localTime(date, style = "datetime", end = null) {
  const start = new Date(date);
  if (Number.isNaN(start.valueOf()) || !STYLES[style]) return String(date);
  const format = new Intl.DateTimeFormat(LOCALE, options(style, start));
  return style === "range" && end ? format.formatRange(start, new Date(end)) : format.format(start);
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
