// The examples of code below a demo, with the inputs as they stand in the form: demos/snippets.py, live.

/** A Python literal. Strings and numbers are written as in JSON, which Python reads alike. */
function python(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([name, item]) => `${python(name)}: ${python(item)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}

const lines = (inputs, line) => Object.entries(inputs).map(line).join("");

const FORMS = {
  json: (inputs) => JSON.stringify(inputs),
  entries: (inputs) => lines(inputs, ([name, value]) => `    ${python(name)}: ${python(value)},\n`),
  arguments: (inputs) => lines(inputs, ([name, value]) => `        ${name}=${python(value)},\n`),
};

/** Writes the inputs into every place of the panel marked `data-inputs-as`; those left open are left out. */
export function showInputs(panel, inputs) {
  const given = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
  for (const place of panel.querySelectorAll("[data-inputs-as]")) {
    place.textContent = FORMS[place.dataset.inputsAs](given);
  }
}
