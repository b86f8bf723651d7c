// A paper's page: load a video of another site when asked to.

for (const box of document.querySelectorAll("[data-frame]")) {
  const button = box.querySelector("[data-load-frame]");
  button.hidden = false;
  button.addEventListener("click", () => {
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
