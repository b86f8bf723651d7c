// A poster or slides open in a dialog over the page; without this module the link opens the file itself.

for (const link of document.querySelectorAll("a[data-document]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !navigator.pdfViewerEnabled) return;
    event.preventDefault();
    open(link);
  });
}

function open(link) {
  const dialog = document.createElement("dialog");
  dialog.className = "document-dialog";
  dialog.setAttribute("aria-label", link.dataset.document);
  const bar = document.createElement("div");
  bar.className = "row document-bar";
  const title = document.createElement("strong");
  title.textContent = link.dataset.document;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button-small";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  bar.append(title, close);
  const frame = document.createElement("iframe");
  frame.src = link.href;
  frame.title = link.dataset.document;
  dialog.append(bar, frame);
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
