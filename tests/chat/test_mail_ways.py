"""The ways on which mail comes in: a mailbox, a provider, a pipe."""

from __future__ import annotations

import base64
import imaplib
import io
import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client

from chat import inbound
from chat.mailbox import fetch, mailbox_of
from chat.models import InboundMail, Message, Room
from chat.tasks import read_mail
from miniconf.accounts.models import User

from .imap_server import imap_server
from .mails import answer, make_author, make_question, replies

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


# --- Mailbox ---------------------------------------------------------------------------------------------------------


def test_unseen_mails_are_fetched_and_a_bad_one_stops_none(author, question, settings, monkeypatch):
    big = answer(author, question, "Big")
    big.add_attachment(b"x" * 1_000_000, maintype="image", subtype="png", filename="x.png")
    mails = [answer(author, question, "One"), answer(author, question, "Poison"), big, answer(author, question, "Two")]
    receive = inbound.receive

    def poisoned(raw: bytes) -> InboundMail:
        if b"Poison" in raw:
            raise RuntimeError("nobody has thought of this")
        return receive(raw)

    monkeypatch.setattr("chat.mailbox.receive", poisoned)
    with imap_server(*(sent.as_bytes().replace(b"\n", b"\r\n") for sent in mails)) as server:
        settings.IMAP_URL = server.url
        assert dict(fetch(mailbox_of(server.url))) == {"posted": 2, "unreadable": 1, "refused": 1}
        assert server.flags == [{"\\Seen"}, {"\\Seen", "\\Flagged"}, {"\\Seen"}, {"\\Seen"}]
        assert not any("BODY.PEEK[]" in said for said in server.said if said.startswith("UID FETCH 3 "))
        read_mail()
        assert len(server.said) > 0
    assert replies() == ["One", "Two"]


def test_what_cannot_be_taken_now_is_fetched_again(author, question):
    Room.objects.update(slow_seconds=60)
    mails = [answer(author, question, text).as_bytes().replace(b"\n", b"\r\n") for text in ("One", "Two")]
    with imap_server(*mails) as server:
        assert dict(fetch(mailbox_of(server.url))) == {"posted": 1, "later": 1}
        Room.objects.update(slow_seconds=0)
        assert dict(fetch(mailbox_of(server.url))) == {"posted": 1}
    assert replies() == ["One", "Two"]


def test_a_connection_that_breaks_after_posting_posts_nothing_twice(author, question):
    mails = [answer(author, question, text).as_bytes().replace(b"\n", b"\r\n") for text in ("One", "Two")]
    with imap_server(*mails) as server:
        server.cut_after = 3
        with pytest.raises((OSError, imaplib.IMAP4.error)):
            fetch(mailbox_of(server.url))
        server.flags = [set(), set()]  # the server has forgotten what was seen
        server.cut_after = None
        fetch(mailbox_of(server.url))
    assert replies() == ["One", "Two"]


def test_a_mailbox_that_cannot_be_read_is_a_warning(db, settings, caplog):
    with imap_server() as server:
        settings.IMAP_URL = server.url.replace("pass%20word", "secret")
        read_mail()
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("read_mail")
    assert "cannot be read now" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("url", ["", "imap.example.org", "http://u:p@host/", "imaps://host/INBOX", "imaps://u:p@:x/"])
def test_a_wrong_address_of_a_mailbox_is_told(url):
    with pytest.raises(ImproperlyConfigured, match="imaps://user:password@host"):
        mailbox_of(url)


def test_a_mailbox_s_address_is_read_and_its_password_shown_to_nobody():
    box = mailbox_of("imaps://a%40b:p%2Fw@mail.example.org/Inbox%2FAnswers")
    assert (box.user, box.password, box.port, box.folder) == ("a@b", "p/w", 993, "Inbox/Answers")
    assert "p/w" not in repr(box)


def test_one_mail_is_read_from_a_file_or_the_standard_input(author, question, tmp_path, monkeypatch, capsys):
    file = tmp_path / "mail.eml"
    file.write_bytes(answer(author, question, "One").as_bytes())
    call_command("read_mail", str(file))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(answer(author, question, "Two").as_bytes())))
    call_command("read_mail", "-")
    assert replies() == ["One", "Two"]
    assert capsys.readouterr().out.count("Posted as message") == 2


# --- Brought by a provider -------------------------------------------------------------------------------------------


@pytest.fixture
def bring(settings):
    settings.INBOUND_SECRET = "s3cret"
    client = Client(enforce_csrf_checks=True)

    def bring(data, kind: str = "message/rfc822", auth: str = "Bearer s3cret"):
        return client.post("/mail/inbound", data, content_type=kind, headers={"Authorization": auth})

    return bring


def test_a_provider_brings_mail_in_any_of_the_usual_forms(author, question, bring):
    raw = [answer(author, question, text).as_bytes() for text in ("Raw", "Json", "Form", "Basic")]
    assert bring(raw[0]).json() == {"posted": Message.objects.get(text="Raw").pk}
    assert bring(json.dumps({"RawEmail": raw[1].decode(), "From": "x"}), "application/json").status_code == 200
    form = f'--B\r\nContent-Disposition: form-data; name="body-mime"\r\n\r\n{raw[2].decode()}\r\n--B--\r\n'
    assert bring(form.encode(), "multipart/form-data; boundary=B").status_code == 200
    assert bring(raw[3], auth="Basic " + base64.b64encode(b"mail:s3cret").decode()).status_code == 200
    assert replies() == ["Raw", "Json", "Form", "Basic"]


def test_refused_mail_is_answered_with_200_so_that_nobody_bounces_it(author, question, bring):
    told = bring(answer(author, question, Precedence="bulk").as_bytes())
    assert (told.status_code, "Precedence" in told.json()["refused"]) == (200, True)
    told = bring(b"x" * 1_100_000)
    assert (told.status_code, "larger" in told.json()["refused"]) == (200, True)


def test_mail_that_must_wait_is_answered_with_503(author, question, bring):
    Room.objects.update(slow_seconds=60)
    assert bring(answer(author, question, "One").as_bytes()).status_code == 200
    told = bring(answer(author, question, "Two").as_bytes())
    assert (told.status_code, told["Retry-After"]) == (503, "60")


@pytest.mark.parametrize("auth", ["", "Bearer wrong", "Bearer ", "Basic czNjcmV0", "Basic !", "s3cret"])
def test_nobody_else_brings_mail(author, question, bring, auth):
    assert bring(answer(author, question).as_bytes(), auth=auth).status_code == 403
    assert replies() == []


def test_guessing_the_secret_is_slowed_down(bring, db):
    codes = [bring(b"x", auth=f"Bearer {n}").status_code for n in range(25)]
    assert codes == [403] * 20 + [429] * 5


@pytest.mark.parametrize(
    ("data", "kind"), [(b"", "message/rfc822"), (b"{}", "application/json"), (b"[", "application/json")]
)
def test_a_request_without_a_mail_is_told_so(bring, db, data, kind):
    assert bring(data, kind).status_code == 400


def test_without_a_secret_there_is_no_such_address(db):
    assert Client().post("/mail/inbound", b"x", content_type="message/rfc822").status_code == 404
