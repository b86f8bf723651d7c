// Text that grows token by token, each token tinted by how much the model expected it.

// Upper bounds of the shades p0 (hardly expected) to p8; above the last one is p9. `SHADES` in demos/token_text.py is the same.
const BOUNDS = [0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9];

/** 0 to 9 for a class p0 to p9; a server may not tell how likely its tokens were. */
export function shade(probability) {
  if (probability === null) return "none";
  const place = BOUNDS.findIndex((bound) => probability < bound);
  return place < 0 ? BOUNDS.length : place;
}

/** 0.344 -> "34 %", 0.0042 -> "0.4 %". */
export function percent(probability) {
  if (probability === null) return "not told";
  const value = probability * 100;
  if (value < 0.1) return "< 0.1 %";
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}

/** A token's text with its blanks made visible; a token may be part of a character, which has no text of its own. */
export function visible(text) {
  if (!text) return "part of a character";
  return text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replace(/^ +| +$/g, (blanks) => "␣".repeat(blanks.length));
}

/** The text of one run inside `element`: the prompt, then the tokens. */
export class TokenText {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.tokens = [];
    this.prompt = "";
    this.promptElement = Object.assign(document.createElement("span"), { className: "tokens-prompt" });
    this.tokensElement = Object.assign(document.createElement("span"), { className: "tokens-new" });
  }

  /** Starts anew behind `prompt`. */
  reset(prompt) {
    this.tokens = [];
    this.prompt = prompt;
    this.promptElement.textContent = prompt;
    this.tokensElement.replaceChildren();
    this.element.replaceChildren(this.promptElement, this.tokensElement);
  }

  /** Adds tokens {i, id, text, p, top}; those already there are left out, so a replay adds nothing twice. */
  append(tokens) {
    const fragment = document.createDocumentFragment();
    for (const token of tokens) {
      if (token.i !== this.tokens.length) continue;
      this.tokens.push(token);
      const span = document.createElement("span");
      span.className = `token p${shade(token.p)}`;
      span.textContent = token.text;
      span.dataset.i = token.i;
      fragment.append(span);
    }
    this.tokensElement.append(fragment);
  }

  get text() {
    return this.tokens.map((token) => token.text).join("");
  }

  /** Everything before the token at `index`, prompt included. */
  before(index) {
    return this.prompt + this.tokens.slice(0, index).map((token) => token.text).join("");
  }

  /** The element of the token at `index`, or null. */
  at(index) {
    return this.tokensElement.children[index] ?? null;
  }

  /** The index of the token that `node` lies in, or null. */
  indexOf(node) {
    const span = node instanceof Element ? node.closest(".token") : null;
    return span && this.tokensElement.contains(span) ? Number(span.dataset.i) : null;
  }
}
