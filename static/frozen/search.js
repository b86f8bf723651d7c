// Search without a server: every word of the query begins a word of the paper. Title counts most, then authors, keywords,
// abstract; as in papers/search.py.

const WEIGHTS = [10, 6, 4, 1];

/** "Poincaré's SHA-RNN" -> poincare, s, sha, rnn */
export function words(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

let index;

// data/papers.js holds [uid, title, authors, keywords, abstract] of each paper; taken apart when it is first needed.
function papers() {
  index ??= globalThis.frozen.texts.map(([uid, ...fields]) => [uid, fields.map((field) => ` ${words(field).join(" ")}`)]);
  return index;
}

/** Ids of the papers found, the most relevant first; null when there is nothing to search for. */
export function search(query) {
  const terms = [...new Set(words(query))].slice(0, 16);
  if (!terms.length) return query.trim() ? [] : null;
  const found = [];
  for (const [uid, fields] of papers()) {
    let score = 0;
    const all = terms.every((term) => {
      const place = fields.findIndex((field) => field.includes(` ${term}`));
      score += place < 0 ? 0 : WEIGHTS[place];
      return place >= 0;
    });
    if (all) found.push([score, uid]);
  }
  return found.sort((a, b) => b[0] - a[0]).map(([, uid]) => uid);
}
