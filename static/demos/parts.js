// Bytes that runs left beside their output (demos/parts.py), from the site, or out of the page where nothing is fetched.

const kept = new Map(); // address -> promise of an ArrayBuffer
const MOST_KEPT = 40;

function embedded(id, name) {
  const record = document.getElementById(`run-data-${id}`);
  const text = record ? JSON.parse(record.textContent).parts?.[name] : undefined;
  return text === undefined ? null : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

export const partAddress = (id, name) => `/runs/${encodeURIComponent(id)}/parts/${encodeURIComponent(name)}`;

/** A part of a run as an ArrayBuffer. Rejects with an Error that names it. */
export function fetchPart(id, name) {
  const address = partAddress(id, name);
  if (!kept.has(address)) {
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value);
    const bytes = (async () => {
      const here = embedded(id, name);
      if (here) return here;
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`The file ${name} of this run could not be read (${answer.status}).`);
      return answer.arrayBuffer();
    })();
    bytes.catch(() => kept.delete(address));
    kept.set(address, bytes);
  }
  return kept.get(address);
}

/** The record of a run that the page carries (frozen pages do), or null. */
export function recordInPage(id) {
  const record = document.getElementById(`run-data-${id}`);
  return record ? JSON.parse(record.textContent) : null;
}
