// Bars drawn on the server carry their length in data-share (0 to 1): styles in attributes are not allowed here.
export function showBars(root) {
  for (const bar of root.querySelectorAll("[data-share]")) bar.style.setProperty("--share", bar.dataset.share);
}
