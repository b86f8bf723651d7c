// Changing a message where it stands.

import { live } from "../live/socket.js";
import { Composer } from "./composer.js";

/** Puts a form in place of the text of the message in `element`; Escape and Cancel put it back. */
export async function edit(panel, element) {
  const message = panel.messages.of(element);
  if (!message || element.querySelector(".chat-edit")) return;
  let text;
  try {
    text = await panel.messages.textOf(message.id);
  } catch (error) {
    panel.say(error.message);
    return;
  }
  const form = document.createElement("form");
  form.className = "chat-form chat-edit";
  const field = document.createElement("textarea");
  field.name = "text";
  field.id = `chat-edit-${message.id}`;
  field.setAttribute("aria-label", "Text of your message");
  field.rows = 2;
  const row = document.createElement("div");
  row.className = "chat-options";
  const save = button("Save", "submit", "button button-primary button-small");
  const cancel = button("Cancel", "button", "button button-quiet button-small");
  const hint = document.createElement("span");
  hint.className = "chat-count";
  hint.setAttribute("role", "status");
  row.append(save, cancel, hint);
  form.append(field, row);
  element.classList.add("is-edited");
  element.querySelector(".chat-text").after(form);

  const close = () => {
    form.remove();
    element.classList.remove("is-edited");
    element.focus({ preventScroll: true });
  };
  const composer = new Composer(form, {
    room: panel.room,
    me: panel.me,
    longest: panel.longest,
    onEscape: close,
    onSend: async (changed) => {
      save.disabled = true;
      try {
        const { event } = await live.command("chat.edit", { message: message.id, text: changed });
        panel.apply(event);
        close();
      } catch (error) {
        hint.textContent = error.message;
        save.disabled = false;
      }
    },
  });
  cancel.addEventListener("click", close);
  composer.text = text;
  composer.focus();
}

function button(text, type, classes) {
  const element = document.createElement("button");
  element.type = type;
  element.className = classes;
  element.textContent = text;
  return element;
}
