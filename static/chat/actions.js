// What can be done with a message, as the menu shows it. A list, so that more can be added: each has a `label`, says
// `when` it is offered, and is `run` with the message, its element and the panel.

import { live } from "../live/socket.js";
import { edit } from "./edit.js";
import { moderating } from "./moderating.js";

/** Sends a command whose answer is an event; what it tells is shown at once. */
export async function act(panel, command, payload) {
  try {
    const { event } = await live.command(command, payload);
    panel.apply(event);
    return true;
  } catch (error) {
    if (error.code === "sign_in") panel.say("Please sign in for that.");
    else panel.say(error.lost ? "There is no connection at the moment; please try again." : error.message);
    return false;
  }
}

export async function react(panel, message, emoji) {
  const { reactions } = panel.messages.ownOf(message.id);
  const on = !reactions.includes(emoji);
  if (!(await act(panel, "chat.react", { message: message.id, emoji, on }))) return;
  panel.messages.setOwn(message.id, { reactions: on ? [...reactions, emoji] : reactions.filter((one) => one !== emoji) });
}

export async function vote(panel, message) {
  const on = !panel.messages.ownOf(message.id).voted;
  if (await act(panel, "chat.vote", { message: message.id, on })) panel.messages.setOwn(message.id, { voted: on });
}

const stands = (message) => !message.gone;
const mayAnswer = (message, panel) => panel.mayWrite && (panel.moderates || panel.messages.isMine(message));
const rootOf = (message, panel) => (message.thread ? panel.messages.get(message.thread) : null);

export const actions = [
  {
    label: (message) => (message.asked ? "Answer" : "Reply"),
    when: (message, panel) => panel.mayWrite && stands(message),
    run: (message, _, panel) => panel.thread.open(message.thread ?? message.id, { write: true }),
  },
  {
    label: () => "Quote",
    when: (message, panel) => panel.mayWrite && stands(message),
    run: async (message, element, panel) => {
      const composer = element.closest(".chat-thread") ? panel.thread.composer : panel.composer;
      try {
        composer.quote(await panel.messages.textOf(message.id), message.author.name);
      } catch (error) {
        panel.say(error.message);
      }
    },
  },
  {
    label: (message, panel) => (panel.messages.ownOf(message.id).voted ? "Take my vote back" : "I want to know, too"),
    when: (message, panel) => panel.mayWrite && Boolean(message.asked) && stands(message) && !panel.messages.isMine(message),
    run: (message, _, panel) => vote(panel, message),
  },
  {
    label: () => "Copy link",
    when: () => true,
    run: async (message, _, panel) => {
      const link = new URL(`${panel.address}?around=${message.n}#m${message.n}`, location.href).href;
      try {
        await navigator.clipboard.writeText(link);
        panel.say("The link was copied.");
      } catch {
        panel.say(link);
      }
    },
  },
  {
    label: () => "Edit",
    when: (message, panel) => panel.messages.isMine(message) && stands(message),
    run: (message, element, panel) => edit(panel, element),
  },
  {
    label: (message) => (message.asked ? "Make it a plain message" : "Ask it as a question"),
    when: (message, panel) => panel.messages.isMine(message) && stands(message) && !message.thread,
    run: (message, _, panel) => act(panel, "chat.ask", { message: message.id, on: !message.asked }),
  },
  {
    label: () => "Mark as answered",
    when: (message, panel) => message.asked === "open" && stands(message) && mayAnswer(message, panel),
    run: (message, _, panel) => act(panel, "chat.answered", { message: message.id }),
  },
  {
    label: () => "Answered in the session",
    when: (message, panel) => message.asked === "open" && stands(message) && panel.moderates,
    run: (message, _, panel) => act(panel, "chat.answered", { message: message.id, live: true }),
  },
  {
    label: () => "Open again",
    when: (message, panel) => Boolean(message.asked) && message.asked !== "open" && stands(message) && mayAnswer(message, panel),
    run: (message, _, panel) => act(panel, "chat.answered", { message: message.id, on: false }),
  },
  {
    label: () => "Mark as the answer",
    when: (message, panel) => {
      const root = rootOf(message, panel);
      return Boolean(root?.asked) && root.answer !== message.id && stands(message) && mayAnswer(root, panel);
    },
    run: (message, _, panel) => act(panel, "chat.answered", { message: message.thread, answer: message.id }),
  },
  {
    label: (message) => (message.pinned ? "Unpin" : "Pin above the room"),
    when: (message, panel) => panel.moderates && stands(message),
    run: (message, _, panel) => act(panel, "chat.pin", { message: message.id, on: !message.pinned }),
  },
  {
    label: () => "Delete",
    isDanger: true,
    when: (message, panel) => panel.messages.isMine(message) && message.gone !== "deleted",
    run: (message, _, panel) => {
      if (confirm("Delete this message? Its text is gone for good.")) act(panel, "chat.delete", { message: message.id });
    },
  },
  ...moderating,
];
