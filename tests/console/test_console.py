"""The organizers' pages of today and of numbers, and how views are counted without knowing whose they are."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.timezone import now

from chat.models import Message
from chat.services import send_message
from demos.models import Demo, Run
from miniconf.accounts.models import User
from miniconf.console import charts, counting, numbers
from miniconf.console.models import DayNumber
from miniconf.console.today import today
from miniconf.observing.asgi import Observed
from miniconf.people.models import Invitation, Role
from miniconf.processes.presence import broker_client
from papers.models import Paper, Person, Session, Track

pytestmark = pytest.mark.django_db


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("organizer@example.org", name="Olive", is_organizer=True)


@pytest.fixture
def client(organizer: User) -> Client:
    client = Client()
    client.force_login(organizer)
    return client


@pytest.fixture
def paper() -> Paper:
    return Paper.objects.create(uid="P.1", title="A paper", track=Track.objects.create(name="Theory", slug="theory"))


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    counting.hand_over()
    with broker_client() as client:
        for key in client.scan_iter("numbers:*"):
            client.delete(key)


def session(uid: str, hours: float, **fields: object) -> Session:
    start = now() + timedelta(hours=hours)
    return Session.objects.create(uid=uid, title=uid, starts_at=start, ends_at=start + timedelta(hours=1), **fields)


# --- Today -----------------------------------------------------------------------------------------------------------


def test_today_names_what_runs_what_comes_and_whose_room_nobody_looks_after(organizer):
    session("over", -3)
    running, soon, chaired, handed = (
        session("running", -0.5),
        session("soon", 2),
        session("chaired", 3),
        session("handed", 4),
    )
    later = session("later", 48)
    session("break", 1, kind=Session.Kind.BREAK)
    chaired.chairs.add(Person.objects.create(slug="c", name="C", user=organizer))
    Role.objects.create(user=organizer, kind=Role.Kind.CHAIR, key=handed.uid)
    found = today(now())
    assert found.running == [running]
    assert [each.uid for each in found.coming] == ["break", "soon", "chaired", "handed", "later"]
    assert found.unattended == [running, soon]
    assert later not in found.unattended


def test_today_counts_what_waits_and_shows_the_questions_most_people_ask(client, paper):
    asker = User.objects.create_user("a@example.org", name="A")
    for text, votes in (("Rarely asked?", 1), ("Often asked?", 5), ("Answered?", 9)):
        event = send_message(user=asker, room_key="paper:P.1", client_id=uuid4(), text=text, asked=True)
        Message.objects.filter(pk=event["id"]).update(votes=votes, asked="answered" if text == "Answered?" else "open")
    Invitation.objects.create(email="x@example.org", state="failed")
    Run.objects.create(
        demo=Demo.objects.create(slug="d", kind="generate", title="D", model="m"), inputs={}, state="failed"
    )
    found = today(now())
    assert [row["message"].text for row in found.questions] == ["Often asked?", "Rarely asked?"]
    assert found.questions_count == 2
    assert {line.what: line.count for line in found.waiting} == {
        "invitations were refused or came back": 1,
        "runs of demos failed since yesterday": 1,
    }
    page = client.get("/organize/today/").content.decode()
    assert "Often asked?" in page
    assert "x@example.org" not in page
    assert "gpu worker" in page  # which tests have not started


# --- Counting --------------------------------------------------------------------------------------------------------


async def _answer(scope, receive, send):
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html; charset=utf-8")]}
    )
    await send({"type": "http.response.body", "body": b""})


async def _ask(path: str, *, address: str = "192.0.2.1", headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    async def send(message: object) -> None:
        pass

    scope = {
        "type": "http", "method": "GET", "path": path, "client": (address, 1), "headers": [(b"user-agent", b"x"), *headers],
    }  # fmt: skip
    await Observed(_answer)(scope, None, send)


@pytest.mark.asyncio
async def test_pages_are_counted_and_pieces_of_them_files_and_programs_are_not():
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        await _ask("/papers/P.1/", address=address)
    await _ask("/schedule/")
    await _ask("/papers/P.1/", headers=((b"hx-request", b"true"),))
    await _ask("/static/x.css", address="192.0.2.3")
    await _ask("/api/v1/papers", address="192.0.2.4")
    with counting._lock:
        noted, people = dict(counting._views), len(counting._visitors)
    assert (noted, people) == ({"views:P.1": 3}, 2)


def test_numbers_become_rows_that_never_get_less_and_name_nobody(paper):
    for _ in range(3):
        counting.note_page("/papers/P.1/", b"192.0.2.1\0browser")
    counting.note_page("/papers/P.1/", b"192.0.2.2\0browser")
    counting.note_play("P.1")
    counting.hand_over()
    assert counting.roll_up() == 3
    kept = {(row.what, row.key): row.number for row in DayNumber.objects.all()}
    assert kept == {("views", "P.1"): 4, ("plays", "P.1"): 1, ("visitors", ""): 2}
    assert counting.roll_up() == 0
    with broker_client() as client:
        stored = b"".join(client.dump(key) or b"" for key in client.scan_iter("numbers:*"))
        assert b"192.0.2" not in stored
        for key in client.scan_iter("numbers:*"):
            client.delete(key)
    counting.note_page("/papers/P.1/", b"192.0.2.1\0browser")
    counting.hand_over()
    counting.roll_up()
    assert DayNumber.objects.get(what="views").number == 4


def test_a_film_is_counted_when_it_is_started_from_the_papers_own_page(paper):
    visitor = Client(enforce_csrf_checks=True)
    assert visitor.post("/papers/P.1/played/", headers={"Origin": "http://testserver"}).status_code == 204
    assert visitor.post("/papers/P.1/played/", headers={"Origin": "https://evil.example"}).status_code == 403
    assert visitor.post("/papers/none/played/", headers={"Origin": "http://testserver"}).status_code == 204
    with counting._lock:
        assert dict(counting._views) == {"plays:P.1": 1}


# --- Numbers ---------------------------------------------------------------------------------------------------------


def test_numbers_of_days_papers_and_tracks_are_those_of_the_rows(client, paper):
    asker, author = (
        User.objects.create_user("a@example.org", name="A"),
        User.objects.create_user("b@example.org", name="B"),
    )
    asked = send_message(user=asker, room_key="paper:P.1", client_id=uuid4(), text="Why?", asked=True)
    reply = send_message(user=author, room_key="paper:P.1", client_id=uuid4(), text="So.", thread=asked["id"])
    Message.objects.filter(pk=asked["id"]).update(created_at=now() - timedelta(minutes=30))
    Message.objects.filter(pk=reply["id"]).update(created_at=now())
    demo = Demo.objects.create(slug="d", kind="generate", title="D", model="m", paper=paper)
    run = Run.objects.create(demo=demo, inputs={}, state="succeeded")
    Run.objects.filter(pk=run.pk).update(started_at=run.created_at + timedelta(seconds=4))
    DayNumber.objects.create(day=now().date(), what="views", key="P.1", number=7)
    days = numbers.days_up_to(now().date(), 2)
    found = numbers.by_day(days)
    assert (found["views"][-1], sum(found["messages"]), sum(found["questions"]), sum(found["runs"])) == (7, 2, 1, 1)
    assert numbers.first_answers(now() - timedelta(days=1)) == pytest.approx(30, abs=0.1)
    assert numbers.run_waits(now() - timedelta(days=1)) == pytest.approx(4)
    assert numbers.by_track(numbers.of_papers()) == [
        {
            "track": "Theory", "papers": 1, "views": 7, "plays": 0, "bookmarks": 0, "messages": 2, "questions": 1, "open": 1,
            "runs": 1,
        }
    ]  # fmt: skip
    page = client.get("/organize/numbers/?days=7").content.decode()
    assert page.count('<svg viewBox="0 0 640 180"') == 6
    assert "30 min" in page
    rows = list(csv.DictReader(io.StringIO(client.get("/organize/numbers/papers.csv").content.decode())))
    assert [(row["uid"], row["views"], row["messages"]) for row in rows] == [("P.1", "7", "2")]
    days_file = list(csv.DictReader(io.StringIO(client.get("/organize/numbers/days.csv").content.decode())))
    assert (days_file[-1]["day"], days_file[-1]["views"]) == (now().date().isoformat(), "7")


def test_no_cell_of_an_export_is_a_formula(client, paper):
    Paper.objects.filter(pk=paper.pk).update(title="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in client.get("/organize/numbers/papers.csv").content.decode()


def test_bars_stand_on_zero_below_a_round_line():
    chart = charts.bar_chart("Views", [("1 May", 0), ("2 May", 30), ("3 May", 15)])
    heights = [bar.height for bar in chart.bars]
    assert heights[0] == 0
    assert heights[1] == pytest.approx(2 * heights[2])
    assert [text for _, text in chart.lines] == ["25", "50"]
    assert [charts.round_up(value) for value in (0, 1, 3, 7, 11, 99, 101)] == [1, 1, 5, 10, 20, 100, 200]


@pytest.mark.parametrize("address", ["today/", "numbers/", "numbers/days.csv", "numbers/papers.csv"])
def test_these_pages_are_for_organizers(address):
    member = Client()
    member.force_login(User.objects.create_user("m@example.org", name="M"))
    assert Client().get(f"/organize/{address}").status_code == 302
    assert member.get(f"/organize/{address}").status_code == 403
