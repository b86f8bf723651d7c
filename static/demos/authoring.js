// More examples in the form of a demo. Without this script there is room for one more each time it is saved.

for (const part of document.querySelectorAll("[data-examples]")) {
  const total = part.querySelector("[name$=-TOTAL_FORMS]");
  const most = Number(part.querySelector("[name$=-MAX_NUM_FORMS]").value);
  const rows = part.querySelector("[data-rows]");
  const add = part.querySelector("[data-add]");
  const room = () => (add.disabled = Number(total.value) >= most);
  add.addEventListener("click", () => {
    const number = Number(total.value);
    const row = part.querySelector("template").content.firstElementChild.cloneNode(true);
    for (const element of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
      for (const attribute of ["name", "id", "for", "aria-describedby"]) {
        const value = element.getAttribute(attribute);
        if (value) element.setAttribute(attribute, value.replaceAll("__prefix__", String(number)));
      }
    }
    row.querySelector("legend").textContent = `Example ${number + 1}`;
    rows.append(row);
    total.value = String(number + 1);
    room();
    row.querySelector("input:not([type=hidden])").focus();
  });
  room();
}
