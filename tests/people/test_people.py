"""Who takes part: tables of people, invitations by mail and what comes back, admission, roles, authors and accounts."""

from __future__ import annotations

import io

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from openpyxl import Workbook

from chat.inbound import receive
from miniconf import permissions
from miniconf.accounts.models import User
from miniconf.people import invitations, matching, roles
from miniconf.people.admission import clean_pattern, may_make_account, set_rules
from miniconf.people.bounces import bounce_address
from miniconf.people.models import Act, Invitation, Role
from miniconf.people.reading import Attendee, read_people
from papers.models import Conference, Paper, Person, Presentation, Session, Sponsor

pytestmark = pytest.mark.django_db
ADA = Attendee("ada@example.org", "Ada Lovelace", "London")


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("organizer@example.org", name="Olive", is_organizer=True)


@pytest.fixture
def client(organizer: User) -> Client:
    client = Client()
    client.force_login(organizer)
    return client


def closed() -> None:
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"open_registration": False})


# --- Tables ----------------------------------------------------------------------------------------------------------


def test_tables_are_read_by_their_columns_whatever_their_order_separator_and_spelling(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(
        "\ufeffLast name;First name;E-Mail;Institution\r\nLovelace;Ada;ADA@example.org;London\r\n;;x@example.org;\r\n"
    )
    assert read_people(path).attendees == {"ada@example.org": ADA, "x@example.org": Attendee("x@example.org")}
    book = Workbook()
    for row in (["Registered", None], ["Full name", "Email address"], ["Ada Lovelace", "ada@example.org"]):
        book.active.append(row)
    book.save(tmp_path / "people.xlsx")
    assert list(read_people(tmp_path / "people.xlsx").attendees.values()) == [
        Attendee("ada@example.org", "Ada Lovelace")
    ]


def test_every_mistake_of_a_table_is_named_by_file_row_and_column(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(f"name,email\nA,not an address\nB,\nC,c@example.org\n{'D' * 121},d@example.org\nE,C@example.org\n")
    found = read_people(path)
    assert found.problems.lines == [
        "people.csv, row 2, email: not an address — an e-mail address",
        "people.csv, row 3, email: (empty) — an e-mail address",
        f"people.csv, row 5, name: {'D' * 60}… — at most 120 characters",
    ]
    assert found.notes == ["people.csv, row 6: c@example.org stands there before; this row was left out."]
    (tmp_path / "other.csv").write_text("title,authors\nA,B\n")
    assert read_people(tmp_path / "other.csv").problems.lines == [
        "other.csv — has no column “email”; expected email, name, affiliation"
    ]


# --- Invitations -----------------------------------------------------------------------------------------------------


def test_a_table_twice_invites_once_and_a_corrected_one_changes_names(organizer):
    first = invitations.invite([ADA, Attendee("b@example.org")], by=organizer, source="a.csv", send=False)
    assert [one.email for one in first.new] == ["ada@example.org", "b@example.org"]
    again = invitations.invite([ADA], by=organizer, source="a.csv", send=False)
    assert (again.new, again.changed, again.unchanged) == ([], [], 1)
    renamed = Attendee("ada@example.org", "Ada King")
    assert invitations.preview([renamed]).changed == [renamed]
    invitations.invite([renamed], by=organizer, source="b.csv", send=False)
    row = Invitation.objects.get(email="ada@example.org")
    assert (row.name, row.affiliation) == ("Ada King", "London")
    assert mail.outbox == []


def test_mails_go_out_once_and_what_the_server_refuses_is_told(organizer, mail_server):
    mail_server.refused = {"refused@example.org": "550 no such user", "later@example.org": "451 try again"}
    people = [Attendee(f"{name}@example.org") for name in ("a", "refused", "later", "b")]
    invitations.invite(people, by=organizer, source="a.csv", send=True)
    assert invitations.send_due() == 4
    states = {row.email.partition("@")[0]: (row.state, row.due, row.error) for row in Invitation.objects.all()}
    assert states["a"] == states["b"] == ("sent", False, "")
    assert states["refused"][:2] == ("failed", False)
    assert states["refused"][2].startswith("550 ")
    assert states["later"][:2] == ("waiting", True)
    for _ in range(3):
        invitations.send_due()
    later = Invitation.objects.get(email="later@example.org")
    assert (later.state, later.due, later.attempts) == ("failed", False, 3)
    assert sorted(mail_server.taken) == ["a@example.org", "b@example.org"]
    assert invitations.send_due() == 0


def test_without_a_mail_server_everything_stays_due_and_says_why(organizer, settings):
    from tests.running import free_port

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    invitations.invite([ADA], by=organizer, source="a.csv", send=True)
    assert invitations.send_due() == 0
    row = Invitation.objects.get()
    assert (row.due, row.attempts) == (True, 0)
    assert row.error.startswith("The mail server cannot be reached")


def report(to: str, action: str) -> bytes:
    """A delivery status notification as mail servers write it (RFC 3464)."""
    return (
        f"From: <mailer-daemon@mx.example>\r\nTo: <{to}>\r\nMessage-ID: <{action}-{to}>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is the mail system.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; ada@example.org\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    ).encode()


def test_a_mail_that_comes_back_marks_its_own_invitation_and_no_other(organizer, settings):
    settings.REPLY_DOMAIN = "in.example.org"
    invitations.invite([ADA, Attendee("b@example.org")], by=organizer, source="a.csv", send=True)
    invitations.send_due()
    row = Invitation.objects.get(email="ada@example.org")
    assert mail.outbox[0].from_email == bounce_address(row.pk)
    assert mail.outbox[0].extra_headers["From"] == settings.DEFAULT_FROM_EMAIL
    forged = bounce_address(row.pk).replace(f"+{row.pk}-", f"+{row.pk + 1}-")
    receive(report(forged, "failed"))
    receive(report(bounce_address(row.pk), "delayed"))
    assert set(Invitation.objects.values_list("state", flat=True)) == {"sent"}
    noted = receive(report(bounce_address(row.pk), "failed"))
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "550 5.1.1 no such user")
    assert noted.refused == "It is a report about one of this site's mails."
    assert Invitation.objects.get(email="b@example.org").state == "sent"


def test_who_signs_in_has_accepted_and_finds_name_and_affiliation_filled_in(organizer):
    from allauth.account.signals import user_logged_in

    invitations.invite([ADA], by=organizer, source="a.csv", send=False)
    user = User.objects.create_user("ada@example.org")
    user_logged_in.send(sender=User, request=None, user=user)
    user.refresh_from_db()
    assert (user.name, user.affiliation) == ("Ada Lovelace", "London")
    assert Invitation.objects.get().state == "accepted"


# --- Admission -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "may"),
    [
        ("invited@elsewhere.example", True),
        ("anybody@example.org", True),
        ("one@example.com", True),
        ("two@example.com", False),
        ("x@sub.example.org", False),
        ("x@notexample.org", False),
    ],
)
def test_a_closed_site_lets_in_who_is_invited_or_listed(organizer, email, may):
    closed()
    invitations.invite([Attendee("invited@elsewhere.example")], by=organizer, source="", send=False)
    set_rules("@Example.org\none@example.com\n")
    assert may_make_account(email) is may
    Client().post("/accounts/login/", {"login": email, "email": email})
    assert User.objects.filter(email=email).exists() is may


def test_rules_that_are_none_are_named_by_line_and_nothing_is_changed():
    set_rules("@example.org")
    with pytest.raises(ValidationError) as raised:
        set_rules("@example.net\nnonsense here\nlocalhost")
    assert raised.value.messages == [
        "Line 2: “nonsense here” is neither an address nor a domain such as @example.org.",
        "Line 3: “localhost” is neither an address nor a domain such as @example.org.",
    ]
    assert may_make_account("a@example.org")
    assert clean_pattern("*@Example.ORG ") == clean_pattern("example.org") == "@example.org"


# --- Roles -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rooms() -> None:
    session = Session.objects.create(uid="s1", title="S", starts_at="2027-05-03T10:00Z", ends_at="2027-05-03T11:00Z")
    Session.objects.create(uid="s2", title="T", starts_at="2027-05-03T10:00Z", ends_at="2027-05-03T11:00Z")
    for uid in ("P1", "P2"):
        Paper.objects.create(uid=uid, title=uid)
    Presentation.objects.create(paper=Paper.objects.get(uid="P1"), session=session)
    Sponsor.objects.create(uid="acme", name="Acme")


ROOMS = ["paper:P1", "paper:P2", "session:s1", "session:s2", "sponsor:acme", "lounge:main"]


@pytest.mark.parametrize(
    ("kind", "key", "moderated"),
    [
        ("moderator", "", ROOMS),
        ("chair", "s1", ["paper:P1", "session:s1"]),
        ("staff", "acme", ["sponsor:acme"]),
    ],
)
def test_a_role_reaches_the_rooms_it_is_about(organizer, rooms, kind, key, moderated):
    somebody = User.objects.create_user("b@example.org", name="B")
    roles.grant(user=somebody, kind=kind, key=key, by=organizer)
    somebody = User.objects.get(pk=somebody.pk)
    assert [room for room in ROOMS if permissions.can_moderate(somebody, room)] == moderated
    assert permissions.can_see_moderation(somebody) is (kind == "moderator")
    assert permissions.can_sanction(somebody, User.objects.create_user("c@example.org")) is (kind == "moderator")
    assert not permissions.can_sanction(somebody, organizer)
    assert permissions.can_edit(somebody, Sponsor.objects.get()) is (kind == "staff")
    assert not permissions.can_manage_people(somebody)
    roles.take_back(role=Role.objects.get())
    somebody = User.objects.get(pk=somebody.pk)
    assert [room for room in ROOMS if permissions.can_moderate(somebody, room)] == []


def test_who_the_programme_names_as_chair_moderates_without_being_asked(rooms):
    chair = User.objects.create_user("chair@example.org", name="Chair")
    Session.objects.get(uid="s1").chairs.add(Person.objects.create(slug="chair", name="Chair", user=chair))
    assert [room for room in ROOMS if permissions.can_moderate(chair, room)] == ["paper:P1", "session:s1"]


# --- Authors and accounts --------------------------------------------------------------------------------------------


def test_authors_are_matched_by_address_and_name_and_what_is_unclear_is_left_to_somebody():
    ada = User.objects.create_user("ada@example.org", name="Ada Lovelace")
    for number in (1, 2):
        User.objects.create_user(f"wei{number}@example.org", name="Wei Zhang")
    taken = User.objects.create_user("g@example.org", name="Grace Hopper")
    Person.objects.create(slug="g1", name="Grace Hopper", user=taken)
    Person.objects.create(slug="g2", name="Hopper, Grace")
    Person.objects.create(slug="ada", name="A. Lovelace", email_private="Ada@example.org")
    Person.objects.create(slug="wei", name="WEI ZHANG")
    found = {match.person.slug: match for match in matching.possible_matches()}
    assert {slug: (match.reason, match.is_conflict, len(match.accounts)) for slug, match in found.items()} == {
        "ada": ("same address", False, 1),
        "wei": ("same name", True, 2),
        "g2": ("same name", True, 1),
    }
    matching.link(person=found["ada"].person, user=ada)
    with pytest.raises(LookupError, match=r"is A\. Lovelace in the programme already"):
        matching.link(person=found["wei"].person, user=ada)


# --- Pages -----------------------------------------------------------------------------------------------------------


def test_a_table_is_shown_before_anybody_is_invited(client, organizer):
    file = io.BytesIO(b"name,email\nAda Lovelace,ada@example.org\n")
    file.name = "people.csv"
    answer = client.post("/organize/people/invitations/", {"file": file})
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert "1 would be invited" in page.content.decode()
    assert "ada@example.org" in page.content.decode()
    assert Invitation.objects.count() == 0
    client.post(answer["Location"], {"send": "0"})
    assert list(Invitation.objects.values_list("email", "source", "due")) == [("ada@example.org", "people.csv", False)]
    assert client.get(answer["Location"]).status_code == 302
    listed = client.get("/organize/people/invitations/?q=ada").content.decode()
    assert "Ada Lovelace" in listed
    assert [act.what for act in Act.objects.all()] == ["invited 1 people"]


def test_a_broken_table_is_refused_on_the_page_with_its_rows(client):
    file = io.BytesIO(b"name,email\nAda,no\n")
    file.name = "people.csv"
    answer = client.post("/organize/people/invitations/", {"file": file})
    assert answer.status_code == 422
    assert "people.csv, row 2, email: no — an e-mail address" in answer.content.decode()


def test_accounts_are_found_changed_and_every_act_is_on_the_record(client, organizer):
    somebody = User.objects.create_user("b@example.org", name="Berta")
    assert "Berta" in client.get("/organize/people/?q=bert").content.decode()
    page = f"/organize/people/{somebody.public_id}/"
    client.post(f"{page}organizer/")
    client.post(f"{page}off/")
    somebody.refresh_from_db()
    assert (somebody.is_organizer, somebody.is_active) == (True, False)
    assert client.post(page, {"kind": "chair", "key": "nowhere"}).status_code == 422
    client.post(page, {"kind": "moderator", "key": ""})
    assert [str(role) for role in somebody.roles.all()] == ["Moderator of all rooms"]
    assert client.post(f"/organize/people/{organizer.public_id}/attendee/").status_code == 403
    record = client.get("/organize/people/record/").content.decode()
    for said in ("made an organizer", "switched off", "made Moderator of all rooms"):
        assert said in record
    assert "b@example.org" not in record


PAGES = ["", "invitations/", "authors/", "record/", "invitations/progress/"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_about_people_are_for_organizers(address):
    attendee = User.objects.create_user("attendee@example.org", name="A")
    roles.grant(user=attendee, kind="moderator", key="", by=attendee)
    visitor, member = Client(), Client()
    member.force_login(attendee)
    assert visitor.get(f"/organize/people/{address}").status_code == 302
    assert member.get(f"/organize/people/{address}").status_code == 403
