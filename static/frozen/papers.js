// The list of papers of the frozen site: search, track, and what an address asks for (?search=…&keyword=…&track=…).

import { search } from "./search.js";

const root = document.querySelector("[data-frozen-papers]");
if (root) {
  const field = root.querySelector("[data-search]");
  const track = root.querySelector("[data-track]");
  const list = root.querySelector("ol");
  const items = [...list.children];
  const byUid = new Map(items.map((item) => [item.dataset.uid, item]));
  const count = root.querySelector("[data-count]");

  const show = () => {
    const found = search(field.value);
    const order = found ? found.map((uid) => byUid.get(uid)).filter(Boolean) : items;
    const shown = order.filter((item) => !track?.value || item.dataset.track === track.value);
    list.replaceChildren(...shown);
    count.textContent = `${shown.length} ${shown.length === 1 ? "paper" : "papers"}`;
  };

  const asked = new URLSearchParams(location.search);
  field.value = [asked.get("search"), ...asked.getAll("keyword")].filter(Boolean).join(" ");
  if (track && asked.get("track")) {
    const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    track.value = [...track.options].find((option) => slug(option.value) === asked.get("track"))?.value ?? "";
  }
  field.addEventListener("input", show);
  track?.addEventListener("change", show);
  if (field.value || track?.value) show();
}
