// What members and moderators do about other people's messages, for the menu in actions.js.

import { live } from "../live/socket.js";

const LONGEST_REASON = 300;

async function ask(panel, command, payload) {
  try {
    const { event } = await live.command(command, payload);
    if (event) panel.apply(event);
    return true;
  } catch (error) {
    panel.say(error.lost ? "There is no connection at the moment; please try again." : error.message);
    return false;
  }
}

const ofOthers = (message, panel) => panel.mayWrite && !panel.messages.isMine(message);

export const moderating = [
  {
    label: () => "Report",
    isDanger: true,
    when: (message, panel) => ofOthers(message, panel) && !message.gone,
    run: async (message, _, panel) => {
      const reason = prompt("What is wrong with this message? Moderators will read what you write.", "");
      if (reason === null) return;
      if (await ask(panel, "chat.report", { message: message.id, reason: reason.slice(0, LONGEST_REASON) })) {
        panel.say("Thank you. The moderators have been told.");
      }
    },
  },
  {
    label: (message) => (message.gone ? "Show again" : "Hide"),
    isDanger: true,
    when: (message, panel) => panel.moderates && !panel.messages.isMine(message) && message.gone !== "deleted",
    run: (message, _, panel) => {
      if (message.gone) return ask(panel, "chat.hide", { message: message.id, on: false });
      const reason = prompt("Why is this message hidden? The reason is kept in the record.", "");
      return reason === null ? null : ask(panel, "chat.hide", { message: message.id, reason: reason.slice(0, LONGEST_REASON) });
    },
  },
];
