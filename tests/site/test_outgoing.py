"""Addresses that others give: which are fetched at all, and that those lead nowhere inside."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
import requests
from django.test import Client

from demos.backends import Address
from demos.backends.openai_server import OpenAIServer
from demos.model_files import ModelError, find_model
from miniconf.accounts.models import User
from miniconf.accounts.sso.configured import SignInProvider
from miniconf.outgoing import guarded_session, is_public
from papers.importers import frab, ical
from tests.accounts.oidc_issuer import CLIENT, SECRET, Issuer
from tests.accounts.test_sso import go, leave

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1", "localhost", "",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


class Listener:
    """An HTTP server that counts who comes."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def inner() -> Iterator[Listener]:
    """Something in the site's own network that no stranger may reach."""
    listener = Listener()
    yield listener
    listener.stop()


def named(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """From now on "rebind.example" resolves to each of the addresses in turn, and to the last from then on."""
    ask, left = socket.getaddrinfo, list(answers)

    def resolve(host: object, port: object, *rest: object, **options: object) -> object:
        if host == "rebind.example":
            host = left.pop(0) if len(left) > 1 else left[0]
        return ask(host, port, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


# --- The common way out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_outside_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0", "user@127.0.0.1"]
)
def test_this_machine_is_not_asked_however_it_is_written(inner: Listener, host: str) -> None:
    with pytest.raises(requests.RequestException):
        guarded_session().get(f"http://{host}:{inner.port}/")
    assert inner.asked == []


def test_a_name_of_an_address_inside_is_not_asked(inner: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "127.0.0.1")
    with pytest.raises(requests.RequestException, match="not on the public Internet"):
        guarded_session().get(f"http://rebind.example:{inner.port}/")
    assert inner.asked == []


def test_a_name_that_changes_between_two_looks_gains_nothing(inner: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: whoever looked first and connected later would have found a public address, and gone inside."""
    named(monkeypatch, "93.184.216.34", "127.0.0.1")
    assert is_public(str(socket.getaddrinfo("rebind.example", inner.port)[0][4][0]))
    with pytest.raises(requests.RequestException, match="not on the public Internet"):
        guarded_session().get(f"http://rebind.example:{inner.port}/")
    assert inner.asked == []


def test_a_host_of_the_operator_may_be_inside_and_leads_no_further(inner: Listener) -> None:
    door = Listener(302, Location=f"http://localhost:{inner.port}/secret")
    answer = guarded_session(trusted_hosts=["127.0.0.1"]).get(f"http://127.0.0.1:{door.port}/")
    door.stop()
    assert (answer.status_code, door.asked, inner.asked) == (302, ["/"], [])


def test_other_ways_to_read_than_http_are_not_known() -> None:
    for address in ("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "unix:///tmp/socket"):
        with pytest.raises(requests.RequestException):
            guarded_session().get(address)


# --- Sign-in providers -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_an_issuer_cannot_have_the_site_ask_something_inside(settings, inner: Listener, endpoint: str) -> None:
    with Issuer() as issuer:  # no address in its token, so that userinfo is asked, too
        settings.SIGN_IN_PROVIDERS = [SignInProvider("uni", "University", CLIENT, SECRET, issuer.url)]
        issuer.change_config = lambda config: config.update({endpoint: f"http://localhost:{inner.port}/inside"})
        assert go(Client()).status_code == 401
    assert inner.asked == []


@pytest.mark.django_db
def test_an_issuers_description_is_not_looked_for_elsewhere(settings, inner: Listener) -> None:
    door = Listener(302, Location=f"http://localhost:{inner.port}/")
    settings.SIGN_IN_PROVIDERS = [SignInProvider("uni", "University", CLIENT, SECRET, f"http://127.0.0.1:{door.port}")]
    assert Client().post("/accounts/with/uni/").status_code == 401
    door.stop()
    assert len(door.asked) == 1
    assert inner.asked == []


@pytest.mark.django_db
def test_the_issuer_itself_may_stand_inside(settings) -> None:
    with Issuer() as issuer:
        settings.SIGN_IN_PROVIDERS = [SignInProvider("uni", "University", CLIENT, SECRET, issuer.url)]
        assert leave(Client()).startswith(f"{issuer.url}/authorize?")


# --- Models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_model_server_is_not_followed_elsewhere(inner: Listener, status: int) -> None:
    door = Listener(status, Location=f"http://127.0.0.1:{inner.port}/v1/models")
    server = OpenAIServer("m", Address(f"http://127.0.0.1:{door.port}/v1", "m"))
    assert server.known.wait(20)
    server.stop()
    door.stop()
    assert server.failure
    assert door.asked
    assert inner.asked == []


@pytest.mark.parametrize(
    "name", ["http://localhost/m", "//localhost/m", "localhost:80/m", "../m", "a/b/c", "file:///m", "a/b?x=http://c"]
)
def test_the_name_of_a_model_is_no_address(name: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: asked.append(address))
    with pytest.raises(ModelError):
        find_model(name, tmp_path, hub=True)
    assert asked == []


# --- What is shown and never fetched -----------------------------------------------------------------------------------


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that are looked up, and connections other than to the site's own broker and database."""
    connect, tried = socket.socket.connect, []

    def look_up(host: object, *rest: object, **options: object) -> object:
        tried.append(f"look-up of {host}")
        raise socket.gaierror("nobody is asked")

    def open_one(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX:
            tried.append(f"connection to {address}")
            raise ConnectionRefusedError
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", open_one)
    return tried


XML = """<?xml version="1.0"?>
<!DOCTYPE schedule SYSTEM "http://inside.example/a.dtd" [<!ENTITY x SYSTEM "http://inside.example/b">]>
<schedule><conference><title>&x;</title></conference></schedule>"""
CALENDAR = """BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20270503T100000Z\r
DTSTART:20270503T100000Z\r\nDTEND:20270503T110000Z\r\nSUMMARY:x\r\nURL:http://inside.example/\r
ATTACH:http://inside.example/a.pdf\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"""


def test_importers_fetch_nothing(tmp_path, no_way_out: list[str]) -> None:
    from papers.importers.options import ReadOptions
    from papers.importers.problems import Problems

    for reader, name, text in ((frab, "schedule.xml", XML), (ical, "calendar.ics", CALENDAR)):
        (tmp_path / name).write_text(text)
        problems = Problems()
        reader.read(tmp_path, ReadOptions(source="x"), problems)
        (tmp_path / name).unlink()
    assert no_way_out == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["http://inside.example/x", "http://169.254.169.254/latest/meta-data/"])
def test_pages_fetch_nothing_that_they_show(address: str, no_way_out: list[str]) -> None:
    from chat.models import Message
    from chat.services import send_message
    from papers.models import Event, Paper, Person, Sponsor

    paper = Paper.objects.create(
        uid="P1", title="T", abstract=address, video_url=address, thumbnail_url=address,
        links=[{"label": "L", "url": address}],
    )  # fmt: skip
    Person.objects.create(slug="p", name="P", url=address, image_url=address, biography=address)
    Event.objects.create(uid="E", kind="keynote", title="T", image_url=address, video_url=address)
    Sponsor.objects.create(uid="S", name="S", url=address, logo_url=address, video_url=address)
    user = User.objects.create_user("a@example.org", name="A")
    text = f"{address} ![x]({address})"
    send_message(user=user, room_key=f"paper:{paper.uid}", text=text, client_id=uuid4())
    assert Message.objects.exists()
    for page in ("/papers/P1/", "/people/p/", "/events/E/", "/sponsors/S/", "/papers/", "/chat/paper:P1/"):
        assert Client().get(page).status_code == 200, page
    assert no_way_out == []
