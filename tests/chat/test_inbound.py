"""Answers by mail: taken from whom they were asked of, once, and refused in all other cases without a bounce."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils.timezone import now

from chat import changes, inbound
from chat.models import BlockedWord, InboundMail, Message, Notification, Room, Sanction
from chat.reply_address import reply_address
from chat.tasks import forget_old_mail
from miniconf.accounts.models import User

from .mails import ROOM, answer, make_author, make_question, replies

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def takes_mail(settings):
    settings.REPLY_DOMAIN = "in.example.net"
    settings.SITE_URL = "https://conference.example"


@pytest.fixture
def author() -> User:
    return make_author()


@pytest.fixture
def question(author) -> dict:
    return make_question()


def refusal(sent: EmailMessage) -> str:
    return inbound.receive(sent.as_bytes()).refused


# --- Taken -----------------------------------------------------------------------------------------------------------


def test_an_author_s_reply_is_posted_in_the_thread_and_is_the_answer(author, question):
    row = inbound.receive(answer(author, question, "Because **it is**.\n\n-- \nAuthor\n").as_bytes())
    reply = Message.objects.get(thread=question["id"])
    assert (row.refused, row.message, row.user) == ("", reply, author)
    assert (reply.text, reply.author, reply.html) == (
        "Because **it is**.",
        author,
        "<p>Because <strong>it is</strong>.</p>\n",
    )
    asked = Message.objects.get(pk=question["id"])
    assert (asked.asked, asked.answer) == ("answered", reply)
    assert [n.cause for n in Notification.objects.filter(user__email="asker@example.org")] == ["answer"]


def test_the_same_mail_brought_again_changes_nothing(author, question):
    raw = answer(author, question).as_bytes()
    assert inbound.receive(raw).pk == inbound.receive(raw).pk
    InboundMail.objects.all().delete()  # as if the first delivery had died before it was noted
    inbound.receive(raw)
    assert replies() == ["Because it is."]


def test_a_reply_of_somebody_else_is_no_answer(author, question):
    changes_asker = User.objects.get(email="asker@example.org")
    inbound.receive(answer(author, question, "Which one?").as_bytes())
    changes.mark_answered(user=author, message_id=question["id"], on=False)
    reply = Message.objects.get(thread=question["id"])
    inbound.receive(answer(changes_asker, {"id": reply.pk}, "The second.").as_bytes())
    assert replies() == ["Which one?", "The second."]  # a reply to a reply stands in the same thread
    assert Message.objects.get(pk=question["id"]).asked == "open"


def test_any_verified_address_of_the_account_may_write(author, question):
    EmailAddress.objects.create(user=author, email="author@home.example", verified=True)
    EmailAddress.objects.create(user=author, email="author@guess.example", verified=False)
    assert "not sent from the address" in refusal(answer(author, question, From="author@guess.example"))
    assert refusal(answer(author, question, From="AUTHOR@Home.Example")) == ""
    assert replies() == ["Because it is."]


def test_the_address_may_stand_in_what_the_server_adds_or_be_named_by_who_brings_it(author, question):
    address = reply_address(user_id=author.pk, message_id=question["id"])
    assert refusal(answer(author, question, "One", To="list@example.org", Delivered_To=address.upper())) == ""
    sent = answer(author, question, "Two", To="undisclosed-recipients:;")
    assert inbound.receive(sent.as_bytes(), recipients=[f"<{address}>"]).refused == ""
    assert replies() == ["One", "Two"]


def test_html_only_mail_becomes_text(author, question):
    sent = answer(author, question)
    sent.set_content("<p>Because <i>it</i> is.</p><script>alert(1)</script><p>- Ada &lt;3</p>", subtype="html")
    assert refusal(sent) == ""
    assert replies() == ["Because it is.\n\n- Ada <3"]


def test_attachments_are_left_out_and_the_message_says_so(author, question):
    sent = answer(author, question)
    sent.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="virus.exe")
    sent.add_attachment(b"key", maintype="application", subtype="pgp-signature", filename="signature.asc")
    assert refusal(sent) == ""
    assert replies() == ["Because it is.\n\n*(1 attachment of this mail left out.)*"]


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8", "x-nobody-knows"])
def test_any_character_set_is_read(author, question, charset):
    head = answer(author, question).as_bytes().partition(b"Content-Type")[0]
    body = "Grüße!".encode("iso-8859-1" if charset == "iso-8859-1" else "utf-8")
    raw = head + f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode() + body
    assert inbound.receive(raw).refused == ""
    assert replies() == ["Grüße!"]


# --- Refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"To": "reply+aaaaaaaaaaaaaaaaaaaaaaaaaaaa@in.example.net"}, "not one of ours, or was changed"),
        ({"To": "info@in.example.net"}, "not for us"),
        ({"From": "mallory@example.com"}, "not sent from the address of your account"),
        ({"From": "author@example.org, mallory@example.com"}, "not exactly one sender"),
        ({"From": None}, "not exactly one sender"),
        ({"Auto_Submitted": "auto-replied"}, "by a program (Auto-Submitted)"),
        ({"Precedence": "Bulk"}, "(Precedence)"),
        ({"X_Autoreply": "yes"}, "(X-Autoreply)"),
        ({"List_Id": "<l.example.org>"}, "(List-Id)"),
        ({"X_Loop": "conference.example"}, "came from this site itself"),
        ({"Return_Path": "<>"}, "no sender to return to"),
    ],
)
def test_forged_looping_and_automatic_mail_is_refused(author, question, headers, why):
    sent = answer(author, question, **headers)
    assert why in refusal(sent)
    assert replies() == []
    assert InboundMail.objects.get().message is None


def test_our_own_mails_that_come_back_are_refused(author, question, time_machine):
    from chat import digest

    time_machine.move_to(now() + dt.timedelta(hours=1), tick=False)
    digest.send_due()
    (sent,) = mail.outbox
    back = sent.message()
    del back["From"], back["To"]
    back["From"], back["To"] = author.email, sent.reply_to[0]
    assert "by a program" in inbound.receive(back.as_bytes()).refused
    assert replies() == []


@pytest.mark.parametrize(
    ("verdict", "taken"),
    [
        ("mx.example.net; dmarc=pass header.from=example.org", True),
        ("mx.example.net; dmarc=fail (p=none) header.from=example.org; dkim=pass header.d=example.org", False),
        ("mx.example.net; spf=fail smtp.mailfrom=author@example.org", False),
        ("mx.example.net; spf=fail smtp.mailfrom=fwd@other.example; dkim=pass header.d=example.org", True),
        ("mx.example.net; spf=fail smtp.mailfrom=x@evil.example; dkim=pass header.d=evil.example", False),
        ("mx.example.net; spf=pass smtp.mailfrom=evil@evil.example; dkim=none", None),
        ("mx.example.net; spf=pass smtp.mailfrom=author@example.org", True),
        ("other.example; dmarc=pass header.from=example.org", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_what_the_mail_server_found_counts(author, question, settings, verdict, taken, named):
    """None: taken where the server is not named, since nobody said anything bad; refused where it must have spoken."""
    settings.MAIL_AUTHSERV_ID = "mx.example.net" if named else ""
    taken = (not named) if taken is None else taken
    assert (refusal(answer(author, question, Authentication_Results=verdict)) == "") is taken
    assert len(replies()) == taken


def test_a_verdict_that_came_with_the_mail_does_not_count(author, question, settings):
    settings.MAIL_AUTHSERV_ID = "mx.example.net"
    sent = answer(author, question)
    sent["Authentication-Results"] = "mx.example.net; dmarc=fail"
    sent["Authentication-Results"] = "mx.example.net; dmarc=pass"
    assert "not real" in refusal(sent)


def test_an_old_address_is_refused_and_its_owner_told_once_a_day(author, question, time_machine):
    sent = [answer(author, question) for _ in range(3)]
    time_machine.move_to(now() + dt.timedelta(days=32))
    assert ["too old" in refusal(one) for one in sent] == [True, True, True]
    assert [(told.to, told.subject) for told in mail.outbox] == [
        (["author@example.org"], "Your answer by mail was not posted")
    ]
    assert "please answer on the site" in mail.outbox[0].body
    assert mail.outbox[0].message()["Auto-Submitted"] == "auto-replied"


def test_nobody_but_the_account_is_told(author, question):
    refusal(answer(author, question, From="mallory@example.com"))
    assert [told.to for told in mail.outbox] == [["author@example.org"]]
    mail.outbox.clear()
    refusal(answer(author, question, To="reply+aaaaaaaaaaaaaaaaaaaaaaaaaaaa@in.example.net"))
    refusal(answer(author, question, Auto_Submitted="auto-replied"))
    assert mail.outbox == []


def test_too_large_mails_are_not_read(author, question):
    sent = answer(author, question)
    sent.add_attachment(b"x" * 1_000_000, maintype="image", subtype="png", filename="x.png")
    assert "larger than 1,000,000 bytes" in refusal(sent)
    assert replies() == []


@pytest.mark.parametrize("text", ["", "> Why?", "-- \nAuthor", "x" * 4001])
def test_too_little_and_too_much_text_is_refused(author, question, text):
    assert refusal(answer(author, question, text)) != ""
    assert replies() == []


def test_who_may_not_write_here_cannot_by_mail(author, question):
    sanction = Sanction.objects.create(user=author, room=Room.objects.get(key=ROOM), kind="mute", reason="Calm down")
    assert "Calm down" in refusal(answer(author, question))
    sanction.delete()
    BlockedWord.objects.create(word="spam")
    assert "spam" in refusal(answer(author, question, "Some spam"))
    Room.objects.update(locked=True)
    assert "closed" in refusal(answer(author, question))
    User.objects.filter(pk=author.pk).update(is_active=False)
    assert "no account" in refusal(answer(author, question))
    assert replies() == []


def test_what_was_taken_away_cannot_be_answered(author, question):
    changes.delete_message(user=User.objects.get(email="asker@example.org"), message_id=question["id"])
    assert "taken away" in refusal(answer(author, question))


def test_who_is_too_fast_is_asked_to_bring_it_again(author, question):
    Room.objects.update(slow_seconds=60)
    raw = [answer(author, question, text).as_bytes() for text in ("One", "Two")]
    inbound.receive(raw[0])
    with pytest.raises(inbound.Later):
        inbound.receive(raw[1])
    Room.objects.update(slow_seconds=0)
    assert inbound.receive(raw[1]).refused == ""
    assert replies() == ["One", "Two"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe" * 100,
        b"From: \xff\xfe <@\r\nTo: =?utf-8?b?////?= <>\r\nMessage-ID: <\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 50,
        b"To: " + b"(" * 5000 + b"\r\n\r\n",
        b"Message-ID: " + b"x" * 9000 + b"\r\nFrom: a@b\r\n\r\nHi",
    ],
)
def test_rubbish_is_refused_like_anything_else(db, raw):
    assert inbound.receive(raw).refused != ""
    assert inbound.receive(raw).pk == InboundMail.objects.get().pk


def test_old_notes_are_forgotten(author, question):
    refusal(answer(author, question))
    InboundMail.objects.update(received_at=now() - dt.timedelta(days=61))
    refusal(answer(author, question, "Another"))
    forget_old_mail()
    assert InboundMail.objects.count() == 1
