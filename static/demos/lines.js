// Lists of texts as one text, one a line: demos/lines.py, in the browser.

const WRITTEN = { "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r" };
const READ = { "\\": "\\", n: "\n", t: "\t", r: "\r" };

export const asLines = (texts) => texts.map((text) => String(text).replace(/[\\\n\t\r]/g, (sign) => WRITTEN[sign])).join("\n");

/** Empty lines are none; blanks at either end of a line belong to it. */
export const fromLines = (text) =>
  text
    .split(/\r?\n/)
    .filter(Boolean)
    .map((line) => line.replace(/\\([\\ntr])/g, (_, sign) => READ[sign]));
