// Links that lead to something of this site which can be shown as a card: a run of a demo. The card is drawn by the server.

const KINDS = [[/^\/runs\/([0-9a-f-]{36})\/?$/, (id) => `/runs/${id}/card/`]];
const MOST = 4; // cards in one text
const AGAIN = 3000; // ms until a card of something that is not finished is asked for again
const TRIES = 200;

function cardAddress(link) {
  const address = new URL(link.href, location.href);
  if (address.origin !== location.origin) return null;
  for (const [pattern, of] of KINDS) {
    const match = pattern.exec(address.pathname);
    if (match) return of(match[1]);
  }
  return null;
}

async function fetchCard(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
}

async function show(place, address, tries = TRIES) {
  let card = null;
  try {
    card = await fetchCard(address);
  } catch {
    return; // the link stays
  }
  if (!card || !place.isConnected) return;
  place.replaceWith(card);
  if (["queued", "running"].includes(card.dataset.state) && tries > 0) setTimeout(() => show(card, address, tries - 1), AGAIN);
}

/** Puts cards in place of such links in `element`, once. Links whose words say something else than their address stay. */
export function showCards(element) {
  const links = [...element.querySelectorAll("a[href]:not([data-card])")];
  let shown = 0;
  for (const link of links) {
    if (shown >= MOST || !/^https?:\/\//.test(link.textContent.trim())) continue;
    const address = cardAddress(link);
    if (!address) continue;
    link.dataset.card = "";
    shown += 1;
    show(link, address);
  }
}
