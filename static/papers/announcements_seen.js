// Loaded in place, not as a module: what this browser has put away must not flash up while the page is drawn.
try {
  const away = JSON.parse(localStorage.getItem("announcements-put-away") ?? "[]");
  for (const item of document.querySelectorAll("[data-announcement]")) {
    if (away.includes(item.dataset.announcement)) item.hidden = true;
  }
} catch {
  // Storage is switched off, or holds something else: everything is shown.
}
