"""The conversation in a real browser: threads, questions, places, drafts, and messages that survive what goes wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

SLOW = 15_000  # milliseconds, for what waits for another process


def enter(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator(".chat[data-state=live]")).to_be_visible(timeout=SLOW)
    return page


def box(page: Page, name: str = "Your message") -> Locator:
    return page.get_by_role("textbox", name=name)


def send(page: Page, text: str, name: str = "Your message") -> None:
    box(page, name).fill(text)
    box(page, name).press("Enter")


def message(page: Page, text: str, pane: str = ".chat-main") -> Locator:
    return page.locator(f"{pane} .chat-message", has_text=text).last


def choose(page: Page, of: Locator, item: str) -> None:
    """An entry of a message's menu, by keyboard."""
    of.focus()
    of.press("Enter")
    page.get_by_role("menuitem", name=item, exact=True).click()


class Line:
    """The way from a browser to the server, which can be cut."""

    def __init__(self, page: Page) -> None:
        self.up = True
        self.open: list[Any] = []
        page.route_web_socket(re.compile("/live/"), self._route)

    def _route(self, socket: Any) -> None:
        if not self.up:
            socket.close(code=1001)
            return
        socket.connect_to_server()
        self.open.append(socket)

    def cut(self) -> None:
        self.up = False
        for socket in self.open:
            socket.close(code=1001)
        self.open.clear()


def test_a_question_is_answered_in_its_thread_and_marked(page_for):
    author, attendee = (enter(page_for(role), "/chat/paper:ShaRnn2019/") for role in ("author", "attendee"))
    attendee.get_by_label("Ask as a question").check()
    send(attendee, "Which head is it?")
    expect(attendee.get_by_label("Ask as a question")).not_to_be_checked()
    asked = message(author, "Which head is it?")
    expect(asked.locator(".chat-asked")).to_have_text("Question")
    asked.get_by_role("link", name="Answer").click()
    send(author, "The only one.", "Your reply")
    expect(message(attendee, "Which head is it?").get_by_role("link", name="1 reply")).to_be_visible()
    expect(attendee.locator(".chat-main").get_by_text("The only one.")).to_have_count(0)
    reply = message(author, "The only one.", ".chat-replies-list")
    expect(reply.locator(".chat-sending")).to_have_text("Sent")
    choose(author, reply, "Mark as the answer")
    expect(reply).to_have_class(re.compile("is-answer"))
    expect(message(attendee, "Which head is it?").locator(".chat-asked")).to_have_text("Answered question")


def test_escape_closes_the_thread_and_the_focus_returns(page_for):
    page = enter(page_for("attendee"), "/chat/paper:BERT2019/")
    send(page, "A root.")
    root = message(page, "A root.")
    expect(root.locator(".chat-sending")).to_have_text("Sent")
    root.focus()
    choose(page, root, "Reply")
    expect(box(page, "Your reply")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".chat-thread")).to_be_hidden()
    expect(root).to_be_focused()


def test_what_is_written_while_the_line_is_cut_arrives_once_and_in_order(page_for):
    page, other = page_for("attendee"), enter(page_for("author"), "/chat/paper:GLTR2019/")
    line = Line(page)
    enter(page, "/chat/paper:GLTR2019/")
    line.cut()
    for number in range(4):
        send(page, f"Offline {number}")
    expect(message(page, "Offline 3").locator(".chat-sending")).to_have_text("Waiting for the connection")
    page.reload()
    expect(message(page, "Offline 3").locator(".chat-sending")).to_have_text("Waiting for the connection")
    line.up = True
    expect(message(other, "Offline 3")).to_be_visible(timeout=30_000)
    expect(message(page, "Offline 3").locator(".chat-sending")).to_have_text("Sent", timeout=SLOW)
    for tab in (page, other):
        texts = tab.locator(".chat-main .chat-text", has_text="Offline").all_inner_texts()
        assert [text.strip() for text in texts] == [f"Offline {number}" for number in range(4)]


def test_a_draft_survives_a_reload_and_so_do_the_people_it_names(page_for):
    page = enter(page_for("attendee"), "/chat/paper:BERT2019/")
    field = box(page)
    field.press_sequentially("Ask @demo")
    page.get_by_role("option", name=re.compile("Demo Author")).wait_for()
    field.press("Enter")
    expect(field).to_have_value(re.compile(r"^Ask @Demo Author.* $"))
    page.reload()
    expect(field).to_have_value(re.compile(r"^Ask @Demo Author"))
    field.press("Enter")
    expect(message(page, "Ask").locator(".mention")).to_have_text(re.compile(r"^@Demo Author"))
    expect(field).to_have_value("")


def test_one_s_own_message_is_edited_with_the_arrow_up_and_deleted(page_for):
    page, other = page_for("attendee"), enter(page_for("author"), "/chat/paper:LoRA2022/")
    enter(page, "/chat/paper:LoRA2022/")
    send(page, "Wrogn")
    expect(message(page, "Wrogn").locator(".chat-sending")).to_have_text("Sent")
    box(page).press("ArrowUp")
    editor = page.get_by_role("textbox", name="Text of your message")
    expect(editor).to_have_value("Wrogn")
    editor.press("Escape")
    expect(editor).to_have_count(0)
    box(page).press("ArrowUp")
    editor.fill("Right")
    editor.press("Enter")
    expect(message(other, "Right").locator(".chat-edited")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    choose(page, message(page, "Right"), "Delete")
    expect(message(other, "This message was deleted.")).to_be_visible()
    expect(other.get_by_text("Right", exact=True)).to_have_count(0)


def test_reactions_are_toggles_that_know_whose_they_are(page_for):
    page, other = page_for("attendee"), enter(page_for("author"), "/chat/lounge:main/")
    enter(page, "/chat/lounge:main/")
    send(other, "Lunch?")
    said = message(page, "Lunch?")
    said.focus()
    said.press("Enter")
    page.get_by_role("menuitemcheckbox", name="Hooray").click()
    mine, theirs = (message(tab, "Lunch?").locator(".chat-reaction") for tab in (page, other))
    expect(theirs).to_have_attribute("aria-label", "Hooray: 1")
    expect(theirs).to_have_attribute("aria-pressed", "false")
    expect(mine).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(mine).to_have_attribute("aria-pressed", "true")
    theirs.click()
    expect(mine).to_have_attribute("aria-label", "Hooray: 2")
    mine.click()
    expect(theirs).to_have_attribute("aria-label", "Hooray: 1")


FILL = """
from uuid import uuid4
from chat.models import Message, Room
from miniconf.accounts.models import User
room, _ = Room.objects.get_or_create(key="{room}")
author = User.objects.filter(is_organizer=True).first()
Message.objects.bulk_create(Message(room=room, number=room.last_number + n, author=author, client_id=uuid4(),
    text=f"No. {{n}}", html=f"<p>No. {{n}}" + " and more of it" * (n % 7 * 9) + "</p>") for n in range(1, {count} + 1))
Room.objects.filter(pk=room.pk).update(last_number=room.last_number + {count})
"""


@pytest.fixture(scope="module")
def long_room(stack):
    done = stack.manage("shell", "-c", FILL.format(room="helpdesk:main", count=900))
    assert done.returncode == 0, done.stderr
    return "/chat/helpdesk:main/"


def test_an_old_message_that_is_linked_is_found_and_one_gets_back(page_for, long_room):
    page = enter(page_for(), f"{long_room}#m77")
    expect(page.locator("#m77")).to_be_in_viewport()
    expect(page.locator("#m77")).to_be_focused()
    page.get_by_role("button", name="Newest messages").click()
    expect(page.locator("#m900")).to_be_in_viewport()


def test_the_history_loads_backwards_without_jumps_and_stays_light(page_for, long_room):
    page = enter(page_for(), long_room)
    place = """() => {
      const log = document.querySelector(".chat-main .chat-log");
      const top = log.getBoundingClientRect().top;
      const reading = [...log.querySelectorAll(".chat-message")].find((e) => e.getBoundingClientRect().bottom > top + 50);
      log.dataset.watched = reading.dataset.n;
      return [Number(reading.dataset.n), Math.round(reading.getBoundingClientRect().top)];
    }"""
    again = """() => {
      const log = document.querySelector(".chat-main .chat-log");
      const reading = log.querySelector(`[data-n="${log.dataset.watched}"]`);
      return [Number(reading.dataset.n), Math.round(reading.getBoundingClientRect().top)];
    }"""
    first = 900
    while first > 1:
        page.evaluate('document.querySelector(".chat-main .chat-log").scrollBy(0, -1500)')
        before = page.evaluate(place)
        page.wait_for_timeout(60)
        number, top = page.evaluate(again)
        assert (number, top) == (before[0], pytest.approx(before[1], abs=1))  # scrolling knows no halves of a pixel
        first = int(page.locator(".chat-main .chat-message").first.get_attribute("data-n") or 0)
        assert page.locator(".chat-main .chat-message").count() <= 600
    expect(page.locator(".chat-main .chat-earlier")).to_be_hidden()


def test_in_a_slow_room_a_message_waits_and_goes_by_itself(page_for, stack):
    page = enter(page_for("attendee"), "/chat/event:keynote-small/")
    send(page, "One")
    expect(message(page, "One").locator(".chat-sending")).to_have_text("Sent")
    slow = 'from chat.models import Room; Room.objects.filter(key="event:keynote-small").update(slow_seconds=5)'
    assert stack.manage("shell", "-c", slow).returncode == 0
    send(page, "Two")
    send(page, "Three")
    expect(message(page, "Three").locator(".chat-sending")).to_have_text(re.compile(r"This will be sent in \d s|Sent"))
    expect(message(page, "Three").locator(".chat-sending")).to_have_text("Sent", timeout=30_000)
    texts = page.locator(".chat-main .chat-text").all_inner_texts()
    assert [text.strip() for text in texts] == ["One", "Two", "Three"]


def test_a_message_that_is_refused_says_why_and_can_be_sent_again(page_for, stack):
    page = enter(page_for("attendee"), "/chat/event:keynote-yardsticks/")
    send(page, "One")
    expect(message(page, "One").locator(".chat-sending")).to_have_text("Sent")
    lock = 'from chat.models import Room; Room.objects.filter(key="event:keynote-yardsticks").update(locked={})'
    assert stack.manage("shell", "-c", lock.format("True")).returncode == 0
    send(page, "Two")
    send(page, "Three")
    refused = message(page, "Two").locator(".chat-sending")
    expect(refused).to_have_text(re.compile("Not sent. This room is closed"))
    message(page, "Three").get_by_role("button", name="Discard").click()
    expect(message(page, "Three")).to_have_count(0)
    assert stack.manage("shell", "-c", lock.format("False")).returncode == 0
    refused.get_by_role("button", name="Try again").click()
    expect(message(page, "Two").locator(".chat-sending")).to_have_text("Sent")


def test_who_is_here_and_who_is_typing_is_told(page_for):
    author = enter(page_for("author"), "/chat/paper:Transformer2017/")
    attendee = enter(page_for("attendee"), "/chat/paper:Transformer2017/")
    here = author.locator(".chat-here summary")
    expect(here).to_have_text("2 here", timeout=SLOW)
    box(attendee).press_sequentially("Well")
    expect(author.locator(".chat-main .chat-typing")).to_have_text(re.compile(r"^\S.* is typing…$"), timeout=SLOW)
    box(attendee).press("Enter")
    expect(author.locator(".chat-main .chat-typing")).to_have_text("", timeout=SLOW)


def test_the_screen_of_a_session_follows_votes_and_answers(page_for):
    room = "/chat/session:poster-1-early/"
    attendee, organizer = enter(page_for("attendee"), room), page_for("organizer")
    for text in ("First?", "Second?"):
        attendee.get_by_label("Ask as a question").check()
        send(attendee, text)
        expect(message(attendee, text).locator(".chat-sending")).to_have_text("Sent")
    organizer.goto(f"{room}screen/")
    asked = organizer.locator(".screen-text")
    expect(asked).to_have_text(["First?", "Second?"])
    voter = enter(page_for("author"), room)
    message(voter, "Second?").locator(".chat-vote").click()
    expect(asked).to_have_text(["Second?", "First?"], timeout=SLOW)
    organizer.locator(".screen-question", has_text="Second?").get_by_role("button", name="Answered live").click()
    expect(asked).to_have_text(["First?"], timeout=SLOW)
    expect(organizer.locator(".screen-question.is-current")).to_have_count(1)
    expect(message(attendee, "Second?").locator(".chat-asked")).to_have_text("Question, answered in the session")


def test_reading_writing_asking_and_answering_need_no_javascript(page_for):
    page = page_for("attendee", java_script_enabled=False)
    page.goto("/chat/paper:DistilBERT2019/")
    page.get_by_label("Ask as a question").check()
    box(page).fill("Is it smaller?")
    page.locator(".chat-main").get_by_role("button", name="Send").click()
    asked = message(page, "Is it smaller?")
    expect(asked.locator(".chat-asked")).to_have_text("Question")
    asked.get_by_role("link", name="Answer").click()
    box(page, "Your reply").fill("By 40 per cent.")
    page.locator(".chat-thread").get_by_role("button", name="Send").click()
    expect(message(page, "By 40 per cent.", ".chat-replies-list")).to_be_visible()
    page.get_by_role("link", name="Questions").click()
    expect(message(page, "Is it smaller?", ".chat-questions")).to_be_visible()
    page.get_by_role("link", name="Answered", exact=True).click()
    expect(page.get_by_text("No such questions.")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_every_view_of_a_room_fits_the_screen(page_for, width, long_room):
    page = page_for("organizer", viewport={"width": width, "height": 800})
    for address in (long_room, f"{long_room}questions/", f"{long_room}screen/", f"{long_room}?around=100"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    enter(page, long_room)
    last = page.locator(".chat-main .chat-message").last
    last.focus()
    choose(page, last, "Reply" if last.locator(".chat-asked").is_hidden() else "Answer")
    expect(box(page, "Your reply")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_are_found_in_the_room_and_lead_to_their_place(page_for):
    page = enter(page_for("attendee"), "/chat/event:social-tea/")
    send(page, "A *walrus* was seen")
    expect(message(page, "A walrus was seen").locator(".chat-sending")).to_have_text("Sent")
    page.locator(".chat-tab", has_text="Search").click()
    page.get_by_role("searchbox", name="Words").fill("walr seen")
    page.keyboard.press("Enter")
    message(page, "A walrus was seen", ".chat-find").locator(".chat-link").click()
    expect(message(page, "A walrus was seen")).to_be_focused()
    expect(page.locator(".chat-find")).to_be_hidden()
    page.goto("/chat/search/?q=walr+seen")
    page.get_by_role("link", name="A walrus was seen").click()
    expect(message(page, "A walrus was seen")).to_be_visible()
