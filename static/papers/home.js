// "Now and next" goes on while the page is open, and is right on a page that was kept for a while.

const EVERY = 15000;
const sessions = [...document.querySelectorAll("[data-agenda] > li")];

function update() {
  const now = Date.now();
  for (const session of sessions) {
    session.hidden = Date.parse(session.dataset.end) <= now;
    session.classList.toggle("is-now", !session.hidden && Date.parse(session.dataset.start) <= now);
  }
}

update();
setInterval(update, EVERY);
