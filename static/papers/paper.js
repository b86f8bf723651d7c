// A paper's page: load a video of another site when asked to; count that a film was started, not by whom.

function played(box) {
  const address = box.dataset.plays;
  if (!address) return;
  delete box.dataset.plays; // once for each page
  fetch(address, { method: "POST", keepalive: true, credentials: "same-origin" }).catch(() => {});
}

for (const film of document.querySelectorAll("video[data-plays]")) {
  film.addEventListener("play", () => played(film), { once: true });
}

for (const box of document.querySelectorAll("[data-frame]")) {
  const button = box.querySelector("[data-load-frame]");
  button.hidden = false;
  button.addEventListener("click", () => {
    played(box);
    const frame = document.createElement("iframe");
    frame.className = "talk";
    frame.src = box.dataset.frame;
    frame.title = box.dataset.frameTitle;
    frame.allow = "autoplay; encrypted-media; fullscreen; picture-in-picture";
    frame.allowFullscreen = true;
    frame.referrerPolicy = "strict-origin-when-cross-origin";
    box.replaceWith(frame);
    frame.focus();
  });
}
