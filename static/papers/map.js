// The paper map: loads the points and joins view, drawing, gestures and what stands around.
import { bookmarked, visited } from "./marks.js";
import { Painter, readColours } from "./map_draw.js";
import { listen } from "./map_gestures.js";
import { Card, Legend, Listing } from "./map_panel.js";
import { findPapers, loadPoints, loadTitles } from "./map_points.js";
import { View } from "./map_view.js";

const REACH = { mouse: 14, pen: 18, touch: 26 }; // pixels from a point that still mean it
const SEARCH_DELAY = 250;

const root = document.querySelector("[data-map]");
const find = (name) => root.querySelector(`[data-map-${name}]`);
const canvas = find("canvas");
const frame = canvas.parentElement;

const paperUrl = (i) => globalThis.frozen?.paper(points.uids[i]) ?? root.dataset.paperUrl.replace("UID", encodeURIComponent(points.uids[i]));
const keywordUrl = (name) => `${root.dataset.listUrl}?${new URLSearchParams({ keyword: name })}`;

let points;
let view;
let painter;
let state;
const parts = {}; // card, legend, listing
let listed = []; // points in the list
let firm = -1; // the point whose card stays

function begin() {
  const flags = () => new Uint8Array(points.count);
  state = {
    shown: flags().fill(1), lit: flags(), visited: flags(), bookmarked: flags(),
    dimming: false, pointed: -1, box: null,
  }; // prettier-ignore
  painter = new Painter(canvas, readColours(find("colours")));
  view = new View(points, changed);
  const card = new Card(find("card"), paperUrl);
  const legend = new Legend(find("legend"), points, toggleGroup);
  const listing = new Listing(find("listing"), { paperUrl, keywordUrl, pointTo });
  Object.assign(parts, { card, legend, listing });

  new ResizeObserver(() => {
    painter.resize(frame.clientWidth, frame.clientHeight, devicePixelRatio || 1);
    view.resize(frame.clientWidth, frame.clientHeight);
  }).observe(frame);
  const recolour = () => {
    painter.setColours(readColours(find("colours")));
    legend.paint(painter.colours);
    draw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  legend.paint(painter.colours);
  readMarks();
  document.addEventListener("bookmarkschange", readMarks);
  addEventListener("pageshow", (event) => event.persisted && readMarks());
  addEventListener("storage", readMarks);

  listen(canvas, gestures, () => selectButton.getAttribute("aria-pressed") === "true");
  for (const part of root.querySelectorAll("[data-map-ready]")) part.hidden = false;
  find("status").hidden = true;
  root.dataset.state = "ready";
  if (location.hash.length > 1) view.read(location.hash.slice(1));
  if (searchField.value.trim()) search();
}

// --- Drawing: at most once a frame ---------------------------------------------------------------------------------
let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    painter.draw(view, points, state);
  });
}

let remembering;
function changed() {
  draw();
  if (firm >= 0) showCard(firm, true);
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, "", address()), 400);
}

function address() {
  const query = searchField.value.trim() ? `?${new URLSearchParams({ search: searchField.value.trim() })}` : "";
  const hash = view.zoom === 1 && Math.abs(view.x - points.width / 2) < 1e-4 ? "" : `#${view}`;
  return `${location.pathname}${query}${hash}`;
}

// --- Pointing --------------------------------------------------------------------------------------------------------
function pointAt(left, top, kind) {
  return points.grid.nearest(...view.toMap(left, top), (REACH[kind] ?? REACH.mouse) / view.scale, (i) => state.shown[i]);
}

function pointTo(i) {
  state.pointed = i;
  draw();
}

function showCard(i, stays) {
  const marks = [state.bookmarked[i] && "bookmarked", state.visited[i] && "visited"].filter(Boolean);
  parts.card.show(points, i, ...view.toScreen(points.x[i], points.y[i]), { firm: stays, marks });
}

function letGo() {
  firm = -1;
  parts.card.hide();
  canvas.classList.remove("is-on-point");
  pointTo(-1);
}

const gestures = {
  pan: (dx, dy) => view.pan(dx, dy),
  zoomAt: (x, y, factor) => view.zoomAt(x, y, factor),
  glide: (factor) => view.glide(factor),
  fit: () => view.fit(),
  escape: () => (firm >= 0 ? letGo() : clear()),
  leave() {
    if (firm < 0) letGo();
  },
  hover(x, y) {
    if (firm >= 0) return;
    const i = pointAt(x, y, "mouse");
    if (i === state.pointed) return;
    if (i < 0) return letGo();
    canvas.classList.add("is-on-point");
    pointTo(i);
    showCard(i, false);
  },
  tap(x, y, event) {
    const i = pointAt(x, y, event.pointerType);
    if (i < 0) return letGo();
    if (event.pointerType === "mouse") {
      if (event.button === 1 || event.ctrlKey || event.metaKey) window.open(paperUrl(i), "_blank", "noopener");
      else if (event.button === 0) location.assign(paperUrl(i));
      return;
    }
    // A finger covers the point: the first tap says what is there, its card's link opens it.
    firm = i;
    pointTo(i);
    showCard(i, true);
  },
  box(rectangle, done) {
    state.box = done ? null : rectangle;
    if (done && rectangle) {
      const [left, top] = view.toMap(rectangle[0], rectangle[1]);
      const [right, bottom] = view.toMap(rectangle[2], rectangle[3]);
      listArea(left, top, right, bottom, "Papers of this area");
    }
    draw();
  },
};

// --- Listing ---------------------------------------------------------------------------------------------------------
function list(found, options) {
  listed = found;
  parts.shownAs = options;
  state.lit.fill(0);
  for (const i of found) state.lit[i] = 1;
  state.dimming = options.dim ?? true;
  parts.listing.show(points, found, options);
  draw();
}

function listArea(left, top, right, bottom, title) {
  list(points.grid.within(left, top, right, bottom).filter((i) => state.shown[i]), { title });
}

function clear() {
  listed = [];
  state.dimming = false;
  state.lit.fill(0);
  if (searchField.value) searchField.value = "";
  parts.listing.clear();
  changed();
}

function toggleGroup(group, on) {
  for (let i = 0; i < points.count; i++) if (points.group[i] === group) state.shown[i] = on ? 1 : 0;
  letGo();
}

const selectButton = find("select");
selectButton.addEventListener("click", () => {
  const on = selectButton.getAttribute("aria-pressed") !== "true";
  selectButton.setAttribute("aria-pressed", String(on));
  canvas.classList.toggle("is-selecting", on);
});
find("list-view").addEventListener("click", () => {
  listArea(...view.bounds, "Papers in view");
  find("listing").scrollIntoView({ block: "nearest" });
});
find("zoom-in").addEventListener("click", () => view.glide(1.6));
find("zoom-out").addEventListener("click", () => view.glide(1 / 1.6));
find("fit").addEventListener("click", () => view.fit());
root.querySelector("[data-listing-clear]").addEventListener("click", () => {
  clear();
  canvas.focus();
});

// --- Search: the list's own, its finds lit -------------------------------------------------------------------------
const searchField = find("search");
let searching;
let asked = 0;
searchField.addEventListener("input", () => {
  clearTimeout(searching);
  searching = setTimeout(search, SEARCH_DELAY);
});
searchField.form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(searching);
  search();
});

async function search() {
  const text = searchField.value.trim();
  const number = ++asked;
  if (!text) return clear();
  try {
    const { uids, count } = await findPapers(root.dataset.foundUrl, text);
    if (number !== asked) return; // something else was typed meanwhile
    const found = uids.map((uid) => points.index.get(uid)).filter((i) => i !== undefined);
    list(found, { title: `Papers with “${text}”`, count, sorted: true });
    changed();
  } catch {
    if (number === asked) parts.listing.said.textContent = "The search could not be reached; try again in a moment.";
  }
}

// --- What was visited and bookmarked: a member's in the page, a visitor's in this browser --------------------------
function readMarks() {
  const own = document.getElementById("map-marks");
  const { bookmarked: stars, visited: seen } = own
    ? JSON.parse(own.textContent)
    : { bookmarked: bookmarked("paper"), visited: visited() };
  for (const [flags, uids] of [[state.bookmarked, stars], [state.visited, seen]]) {
    flags.fill(0);
    for (const uid of uids) if (points.index.has(uid)) flags[points.index.get(uid)] = 1;
  }
  draw();
}

// --- Beginning: points are drawn at once, titles come after them -----------------------------------------------------
async function addTitles() {
  const key = `map ${points.version}`;
  if (await loadTitles(points, root.dataset.titlesUrl)) {
    if (listed.length) parts.listing.show(points, listed, parts.shownAs);
    draw();
  } else if (!sessionStorage.getItem(key)) {
    sessionStorage.setItem(key, "reloaded"); // papers came or went between the two answers; once is enough
    location.reload();
  }
}

find("status").textContent = "Loading the map …";
try {
  points = await loadPoints(root.dataset.pointsUrl);
  begin();
} catch (error) {
  find("status").textContent = "The map could not be loaded. Reload the page to try again, or use the list of papers.";
  console.error(error);
}
if (points) addTitles().catch((error) => console.error(error));
