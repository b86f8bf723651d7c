// The browser's storage, which may be full or switched off: then what is kept lasts as long as the page.

const memory = new Map();

export function load(key) {
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? "";
  } catch {
    return memory.get(key) ?? "";
  }
}

/** An empty value removes the key. */
export function save(key, value) {
  memory.delete(key);
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    if (value) memory.set(key, value);
  }
}

/** All keys that begin with `prefix`, in order. */
export function keysOf(prefix) {
  let names = [];
  try {
    names = Array.from({ length: localStorage.length }, (_, place) => localStorage.key(place));
  } catch {
    // Switched off: there is only what is in memory.
  }
  return [...new Set([...names, ...memory.keys()])].filter((key) => key?.startsWith(prefix)).sort();
}
