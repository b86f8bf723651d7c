// The line that shows what time it is: in the day's list or lanes, and in the column of the day in a week.

const EVERY = 15_000;

const clockOf = (zone) =>
  new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }); // prettier-ignore

/** Today's date ("2027-05-03") and the minutes since midnight, by the clock of a zone. */
function today(format) {
  const parts = Object.fromEntries(format.formatToParts(new Date()).map(({ type, value }) => [type, value]));
  return { date: `${parts.year}-${parts.month}-${parts.day}`, minute: Number(parts.hour) * 60 + Number(parts.minute) };
}

const timesOf = (slot) => {
  const time = slot.querySelector("time");
  return [Date.parse(time.dateTime), Date.parse(time.dataset.end)];
};

function markSlots(page, now) {
  for (const slot of page.querySelectorAll(".slot")) {
    const [start, end] = timesOf(slot);
    slot.classList.toggle("is-now", start <= now && now < end);
    slot.classList.toggle("is-over", end <= now);
  }
}

/** Between two known points of (time, height); null outside of all. */
function heightAt(points, now) {
  const sorted = points.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  for (let n = 1; n < sorted.length; n++) {
    const [[t0, y0], [t1, y1]] = [sorted[n - 1], sorted[n]];
    if (t0 <= now && now <= t1) return t1 === t0 ? y1 : y0 + ((y1 - y0) * (now - t0)) / (t1 - t0);
  }
  return null;
}

// In lanes heights follow times. In a list the line stands before what is still to come, or crosses what stands alone.
function blockPoints(block, now) {
  const slots = [...block.querySelectorAll(".slot:not([hidden])")];
  const boxes = slots.map((slot) => slot.getBoundingClientRect());
  const times = slots.map(timesOf);
  if (getComputedStyle(block).display === "grid" || slots.length === 1) {
    return slots.flatMap((_, n) => [[times[n][0], boxes[n].top], [times[n][1], boxes[n].bottom]]);
  }
  const start = Math.min(...times.map(([time]) => time));
  const end = Math.max(...times.map(([, time]) => time));
  if (now < start || end < now) return [[start, boxes[0].top], [end, boxes.at(-1).bottom]];
  const next = times.findIndex(([time]) => time > now);
  const height = next === -1 ? boxes.at(-1).bottom : boxes[next].top;
  return [[now, height], [now, height]];
}

function heightInDay(day, now) {
  const points = [...day.querySelectorAll(".block:not([hidden])")].flatMap((block) => blockPoints(block, now));
  if (!points.length) return null;
  const height = heightAt(points, now);
  if (height !== null) return height;
  const first = points.reduce((a, b) => (b[0] < a[0] ? b : a));
  const last = points.reduce((a, b) => (b[0] > a[0] ? b : a));
  return now < first[0] ? first[1] - 6 : last[1] + 6;
}

function place(line, parent, { top, left = 0, width = null }) {
  if (line.parentElement !== parent) parent.append(line);
  line.style.top = `${top}px`;
  line.style.left = `${left}px`;
  line.style.width = width === null ? "" : `${width}px`;
  line.hidden = false;
}

function placeInDay(page, line, clock) {
  const day = page.querySelector(`.day[data-date="${clock.date}"]:not([hidden])`);
  const height = day && heightInDay(day, Date.now());
  if (!day || height === null) return false;
  place(line, day, { top: height - day.getBoundingClientRect().top });
  return true;
}

function placeInWeek(table, line, clock) {
  const column = table.querySelector(`th[data-date="${clock.date}"]`);
  const rows = [...table.querySelectorAll("tr[data-minute]")];
  if (!column || !rows.length) return false;
  const parent = table.parentElement;
  const frame = parent.getBoundingClientRect();
  const points = rows.map((row) => [Number(row.dataset.minute), row.getBoundingClientRect().top]);
  const last = rows.at(-1).getBoundingClientRect();
  points.push([24 * 60, last.bottom]);
  const height = heightAt(points, clock.minute) ?? points[0][1];
  const box = column.getBoundingClientRect();
  const top = height - frame.top + parent.scrollTop;
  place(line, parent, { top, left: box.left - frame.left + parent.scrollLeft, width: box.width });
  return true;
}

/** Marks what is on and moves the line, now and every quarter of a minute, also when the page changes its size. */
export function keepNowLine(page, zone) {
  const format = clockOf(zone);
  const line = document.createElement("div");
  line.className = "now-line";
  line.id = "now";
  line.setAttribute("aria-hidden", "true"); // what is on is said in words
  line.hidden = true;
  const jump = page.querySelector(".to-now");
  const table = page.querySelector("[data-week]");

  function update() {
    markSlots(page, Date.now());
    const clock = today(format);
    const placed = table ? placeInWeek(table, line, clock) : placeInDay(page, line, clock);
    line.hidden = !placed;
    if (jump) jump.hidden = !placed;
  }

  update();
  setInterval(update, EVERY);
  new ResizeObserver(update).observe(page);
  document.addEventListener("visibilitychange", update);
  document.addEventListener("bookmarkschange", update);
}
