// The runs of demos over the site's own HTTP API: same origin, the session's cookie, errors as Problem.

const API = "/api/v1";

/** What the API said instead of an answer: a sentence, and sentences for single inputs. */
export class Problem extends Error {
  constructor({ title = "", detail = "", errors = [], examples = [] }, status, retryAfter = null) {
    super(detail || title || `The server answered with status ${status}.`);
    this.status = status;
    this.retryAfter = retryAfter;
    /** [{title, page}]: stored results that can be seen meanwhile. */
    this.examples = examples;
    /** [{field, message}]; the field is the name of an input. */
    this.errors = errors.map(({ field, message }) => ({ field: String(field).split(".").at(-1), message }));
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(API + path, { headers: { Accept: "application/json" }, ...options });
  } catch {
    throw new Problem({ detail: "The site cannot be reached. Check your connection and try again." }, 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(answer, response.status, Number(response.headers.get("Retry-After")) || null);
}

function post(path, csrfToken, body = {}) {
  return call(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken },
    body: JSON.stringify(body),
  });
}

/** Puts a run into the queue; resolves to the run as the API shows it. It is stopped when nobody watches it any more. */
export const createRun = (slug, inputs, csrfToken) =>
  post(`/demos/${encodeURIComponent(slug)}/runs`, csrfToken, { inputs, keep: false });

export const fetchRun = (id) => call(`/runs/${encodeURIComponent(id)}`);

export const cancelRun = (id, csrfToken) => post(`/runs/${encodeURIComponent(id)}/cancel`, csrfToken);

/** Has a run go on when nobody watches it; resolves to the run. */
export const keepRun = (id, csrfToken) => post(`/runs/${encodeURIComponent(id)}/keep`, csrfToken);
