// The bell in the header: how many notifications are unread, in every open page of the same account.

import { live } from "../live/socket.js";

// Who only passes through needs no connection; a conversation on the page has one anyway.
const SETTLED = 3000;

const bell = document.querySelector("[data-bell]");
const badge = bell.querySelector(".bell-count");
const text = bell.querySelector("[data-bell-text]");
const most = Number(bell.dataset.most);

function show(count) {
  const number = count >= most ? `${most - 1}+` : `${count}`;
  const words = count ? `${number} unread notification${count === 1 ? "" : "s"}` : "Notifications";
  badge.hidden = !count;
  if (badge.textContent !== number) badge.textContent = number;
  if (text.textContent !== words) text.textContent = words; // read out only when it changes
  bell.classList.toggle("has-news", count > 0);
}

/** What a moderator did that concerns this member, in a sentence, above the page until it is put away. */
function tell(words) {
  const main = document.querySelector("#main");
  let list = main.querySelector(".flashes");
  if (!list) {
    list = document.createElement("ul");
    list.className = "flashes";
    main.prepend(list);
  }
  const item = document.createElement("li");
  item.className = "notice notice-warning";
  item.setAttribute("role", "status");
  const sentence = document.createElement("span");
  const button = document.createElement("button");
  button.className = "dismiss";
  button.type = "button";
  button.setAttribute("aria-label", "Put away");
  button.textContent = "×";
  button.addEventListener("click", () => item.remove());
  item.append(sentence, button);
  list.append(item);
  sentence.textContent = words; // after it stands in the page, so that it is read out
}

function follow() {
  live.subscribe(bell.dataset.bell, {
    onEvents: (events) => {
      const last = events.findLast(({ type }) => type === "unread");
      if (last) show(last.count);
      for (const event of events) if (event.type === "notice") tell(event.text);
    },
  });
}
if (document.querySelector("[data-chat]")) follow();
else setTimeout(follow, SETTLED);
