"""What tests of answers by mail share: an author, a question on their paper, and a mail that answers it."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid
from uuid import uuid4

from chat.models import Message
from chat.reply_address import reply_address
from chat.services import send_message
from miniconf.accounts.models import User
from papers.models import Authorship, Paper, Person

ROOM = "paper:P1"


def make_author() -> User:
    author = User.objects.create_user("author@example.org", name="Author")
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="author", name="Author", user=author)
    Authorship.objects.create(paper=paper, person=person, position=1)
    return author


def make_question() -> dict:
    asker = User.objects.create_user("asker@example.org", name="Asker")
    return send_message(user=asker, room_key=ROOM, client_id=uuid4(), text="Why?", asked=True)


def answer(author: User, question: dict, text: str = "Because it is.", **more: str) -> EmailMessage:
    sent = EmailMessage()
    given = {
        "From": f"Author <{author.email}>",
        "To": reply_address(user_id=author.pk, message_id=question["id"]),
        "Subject": "Re: Asker asked",
        "Message-ID": make_msgid(),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    for name, value in given.items():
        if value is not None:
            sent[name] = value
    sent.set_content(text)
    return sent


def replies() -> list[str]:
    return list(Message.objects.exclude(thread=None).order_by("number").values_list("text", flat=True))
