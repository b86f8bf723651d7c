// What every page does: theme switch, time zone, menus that close, flashes that go away, copy buttons.

import { setTimeZone, timeZone } from "./time.js";

/** The token that unsafe requests to this site carry in X-CSRFToken. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark";

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.hidden = false;
  show();
  systemDark.addEventListener("change", show);
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    root.dataset.theme = theme;
    // Back at the system's own theme there is nothing to remember: it may change with the hour.
    const followsSystem = (theme === "dark") === systemDark.matches;
    try {
      if (followsSystem) localStorage.removeItem("theme");
      else localStorage.setItem("theme", theme);
    } catch {
      // Storage is switched off: the choice lasts for this page.
    }
    show();
  });
}

for (const picker of document.querySelectorAll("[data-timezone-picker]")) {
  const zones = new Set([timeZone(), "UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])]);
  for (const zone of zones) picker.append(new Option(zone.replaceAll("_", " "), zone));
  picker.value = timeZone();
  picker.addEventListener("change", () => setTimeZone(picker.value));
}
for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;

function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details.dropdown[open]")) if (menu !== except) menu.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.dropdown")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement?.closest("details.dropdown[open]");
  closeMenus();
  open?.querySelector("summary").focus();
});

document.addEventListener("click", async (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest("li").remove();

  // <button data-copy="id"> copies the text of #id.
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = document.getElementById(copy.dataset.copy).textContent.trim();
    const label = copy.textContent;
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(copy.dataset.copy));
      copy.textContent = "Press Ctrl+C to copy";
    }
    setTimeout(() => (copy.textContent = label), 2000);
  }
});
