"""Settings of the site: rules, colours, logo, menu, words of mails, setting up, the checklist."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils.timezone import now
from PIL import Image

from demos.models import Demo, Run
from miniconf import mail_texts
from miniconf.accounts.models import User
from miniconf.backups.restoring import restore_backup
from miniconf.backups.writing import write_backup
from miniconf.console.models import Appearance, BackupMade, MailWording
from miniconf.console.site import checklist, colours, look, wizard
from miniconf.mail import send_mail
from miniconf.people.models import Act, Invitation, Role
from miniconf.serving import page_changes
from miniconf.serving.page_store import PageStore
from papers.models import Conference, Edit, Page, Paper, Person, Session, Sponsor

pytestmark = pytest.mark.django_db


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("organizer@example.org", name="Olive", is_organizer=True)


@pytest.fixture
def client(organizer: User) -> Client:
    client = Client()
    client.force_login(organizer)
    return client


def picture(kind: str = "PNG", size: tuple[int, int] = (1200, 300)) -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", size, "#a01030").save(file, kind)
    return SimpleUploadedFile("logo.png", file.getvalue())


def visitor_page(path: str = "/") -> str:
    return Client().get(path).content.decode()


def nav(page: str, label: str) -> list[str]:
    (part,) = re.findall(rf'<nav[^>]*aria-label="{label}">(.*?)</nav>', page, re.DOTALL)
    return re.findall(r"<a [^>]*>([^<]*)</a>", part)


# --- Name, dates, rules ----------------------------------------------------------------------------------------------


def conference_data(client: Client, **changes: str) -> dict[str, str]:
    form = client.get("/organize/settings/").context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | changes


def test_name_and_dates_are_a_change_in_the_history_and_stand_in_the_record(client):
    data = conference_data(
        client, name="Conf 2027", starts_on="2027-05-03", ends_on="2027-05-05", timezone="Europe/Berlin"
    )
    assert client.post("/organize/settings/", data).status_code == 302
    conference = Conference.current()
    assert (conference.name, str(conference.ends_on), conference.timezone) == (
        "Conf 2027",
        "2027-05-05",
        "Europe/Berlin",
    )
    assert Edit.objects.get(kind="conference").after.keys() == {"name", "starts_on", "ends_on", "timezone"}
    act = Act.objects.get()
    assert act.what == "changed the settings of the conference"
    assert "name" in act.about
    assert "Conf 2027" in visitor_page()


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"starts_on": "2027-05-03", "ends_on": "2027-05-01"}, {"timezone": "Mars/Olympus"}]
)
def test_what_is_wrong_with_name_and_dates_is_said_and_nothing_is_changed(client, wrong):
    answer = client.post("/organize/settings/", conference_data(client, tagline="new", **wrong))
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {list(wrong)[-1]}
    assert Conference.current().tagline == ""


def test_who_saves_over_somebody_else_s_change_is_told(client):
    data = conference_data(client, name="Mine")
    Conference.objects.update(name="Theirs")
    answer = client.post("/organize/settings/", data)
    assert answer.status_code == 409
    assert Conference.current().name == "Theirs"


def test_rules_are_choices_with_names_and_take_effect(client):
    data = {"members_only": "yes", "anonymous_runs": "no", "open_registration": "no", "approve_author_edits": "yes"}
    assert client.post("/organize/settings/access/", data).status_code == 302
    conference = Conference.current()
    assert (conference.members_only, conference.anonymous_runs) == (True, False)
    assert (conference.open_registration, conference.approve_author_edits) == (False, True)
    assert Client().get("/papers/").status_code == 302
    assert client.post("/organize/settings/access/", {**data, "members_only": "maybe"}).status_code == 422
    assert client.post("/organize/settings/access/", {}).status_code == 422
    assert Conference.current().members_only


# --- Colours and logo ------------------------------------------------------------------------------------------------


def test_the_usual_colours_are_those_of_the_style_sheet():
    css = Path(site.BASE_DIR, "static/site/base.css").read_text(encoding="utf-8")
    known = dict(re.findall(r"--([\w-]+): light-dark\(([^)]*)\)", css))
    pairs = {name: tuple(known[name].split(", ")) for name in ("accent", "bg", "surface", "surface-2")}
    assert pairs["accent"] == colours.USUAL
    for name, ours in (("bg", "page"), ("surface", "cards"), ("surface-2", "tables")):
        assert pairs[name] == (colours.LIGHT[ours], colours.DARK[ours])


def test_contrast_is_that_of_wcag():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known example just below AA


@pytest.mark.parametrize(
    "hue", ["#ffff00", "#ff0000", "#00ff00", "#0000ff", "#888888", "#ffffff", "#000000", "#fd7e14"]
)
def test_for_any_colour_there_is_one_near_it_that_can_be_read_in_both_themes(hue):
    light = colours.nearest(hue, dark=False)
    assert all(sample.ratio >= 4.5 for sample in colours.samples(light, dark=False))
    assert all(sample.ratio >= 4.5 for sample in colours.samples(colours.dark_of(light), dark=True))


def look_data(**changes: object) -> dict[str, object]:
    return {"accent": "#8a1c4a", "dark": "same", "accent_dark": "#7fcad6", **changes}


def test_a_colour_is_served_as_a_style_sheet_that_is_kept_for_ever_under_an_address_of_its_own(client):
    assert "/theme/" not in visitor_page()
    assert client.post("/organize/settings/look/", look_data()).status_code == 302
    (address,) = re.findall(r'<link rel="stylesheet" href="(/theme/[^"]+)">', visitor_page())
    answer = Client().get(address)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "--accent: light-dark(#8a1c4a, " in answer.content.decode()
    client.post("/organize/settings/look/", look_data(accent="#1c4a8a"))
    (newer,) = re.findall(r'<link rel="stylesheet" href="(/theme/[^"]+)">', visitor_page())
    assert newer != address
    assert Client().get(address)["Cache-Control"] == "no-cache"  # of a page that somebody still has open
    client.post("/organize/settings/look/", {"action": "usual"})
    assert "/theme/" not in visitor_page()
    assert [act.about for act in Act.objects.order_by("pk")] == ["accent colour"] * 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"accent": "#ffe000"}, "accent"),
        ({"dark": "own", "accent_dark": "#203040"}, "accent_dark"),
        ({"accent": "red"}, "accent"),
        ({"accent": "#8a1c4a;}"}, "accent"),
    ],
)
def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can(client, changes, field):
    answer = client.post("/organize/settings/look/", look_data(**changes))
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert not Appearance.objects.exists()
    if "was expected. #" in (said := answer.context["form"].errors[field][0]):
        better = re.findall(r"(#\w{6}) can\.", said)[0]
        fixed = client.post("/organize/settings/look/", look_data(**{**changes, field: better}))
        assert fixed.status_code == 302


def test_colours_are_shown_before_they_are_saved(client):
    page = client.post("/organize/settings/look/preview/", look_data(accent="#ffe000")).content.decode()
    assert 'fill="#ffe000"' in page
    assert "too faint" in page
    assert client.post("/organize/settings/look/preview/", {"accent": "\"'><script>"}).status_code == 200
    assert not Appearance.objects.exists()


def test_a_logo_is_written_anew_made_small_and_shown_beside_the_name_or_alone(client):
    answer = client.post("/organize/settings/look/", look_data(accent=colours.USUAL[0], logo=picture()))
    assert answer.status_code == 302
    (address,) = re.findall(r'<img class="site-logo" src="(/theme/[^"]+)" alt=""', visitor_page())
    served = Client().get(address)
    assert (served["Content-Type"], "immutable" in served["Cache-Control"]) == ("image/webp", True)
    assert Image.open(io.BytesIO(served.content)).size == (640, 160)
    Conference.objects.update(members_only=True)
    assert Client().get(address).status_code == 200  # the page where one signs in shows it
    client.post("/organize/settings/look/", look_data(accent=colours.USUAL[0], logo_alone="on"))
    name = Conference.current().name
    assert f'alt="{name}"' in visitor_page("/accounts/login/")
    client.post("/organize/settings/look/", look_data(accent=colours.USUAL[0], no_logo="on"))
    assert "site-logo" not in visitor_page("/accounts/login/")
    assert Client().get(address).status_code == 404
    assert [act.about for act in Act.objects.order_by("pk")] == [
        "logo",
        "name beside the logo",
        "logo, name beside the logo",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "SVG"),
        (b"<html>", "A PNG, JPEG, WebP or GIF"),
        (picture().read()[:300], "damaged"),
        (b"\x89PNG" + bytes(2_000_001), "At most 2 MB"),
    ],
)
def test_what_is_no_picture_is_no_logo_whatever_it_is_called(client, content, said):
    file = SimpleUploadedFile("logo.png", content, content_type="image/png")
    answer = client.post("/organize/settings/look/", look_data(logo=file))
    assert answer.status_code == 422
    assert said in answer.context["form"].errors["logo"][0]
    assert not Appearance.objects.exists()


# --- Menu ------------------------------------------------------------------------------------------------------------

TOP = ["Papers", "Map", "Schedule", "Events", "Lounge", "Help"]
FOOTER = ["People", "Sponsors", "Announcements", "Help desk", "Export", "API"]


def menu_data(client: Client, action: str = "save", **changes: str) -> dict[str, str]:
    """The form as it is, with labels and places changed by what they are about: `papers_place="hidden"`."""
    forms = client.get("/organize/settings/menu/").context["forms"]
    data = {f"form-{name}": str(value) for name, value in forms.management_form.initial.items()}
    for form in forms:
        what = str(form["what"].value())
        for field in ("what", "label", "place"):
            data[form[field].html_name] = changes.get(f"{what}_{field}", str(form[field].value() or ""))
    return {**data, "action": action}


def place_in_form(client: Client, what: str) -> int:
    forms = client.get("/organize/settings/menu/").context["forms"]
    return [form["what"].value() for form in forms].index(what)


def test_without_a_choice_the_menu_is_the_usual_one_and_free_pages_stand_in_the_footer():
    Page.objects.create(slug="conduct", title="Code of conduct")
    Page.objects.create(slug="help", title="How to")
    assert nav(visitor_page(), "Main") == TOP
    assert nav(visitor_page(), "More") == ["Code of conduct", *FOOTER]


def test_entries_are_moved_renamed_and_hidden(client):
    Page.objects.create(slug="conduct", title="Code of conduct")
    changes = {"lounge_place": "hidden", "papers_label": "Posters", "sponsors_place": "hidden"}
    data = menu_data(client, **changes, **{"page:conduct_place": "top"})
    assert client.post("/organize/settings/menu/", data).status_code == 302
    assert nav(visitor_page(), "Main") == ["Posters", "Map", "Schedule", "Events", "Help", "Code of conduct"]
    assert "Sponsors" not in nav(visitor_page(), "More")
    client.post("/organize/settings/menu/", menu_data(client, f"down:{place_in_form(client, 'papers')}"))
    client.post("/organize/settings/menu/", menu_data(client, f"up:{place_in_form(client, 'help')}"))
    assert nav(visitor_page(), "Main") == ["Map", "Posters", "Schedule", "Help", "Events", "Code of conduct"]
    # The first line of a group goes no further up, not even by a form that says so.
    client.post("/organize/settings/menu/", menu_data(client, f"up:{place_in_form(client, 'map')}"))
    assert nav(visitor_page(), "Main")[0] == "Map"
    Page.objects.create(slug="venue", title="Venue")  # made afterwards: it shows up by itself
    assert "Venue" in nav(visitor_page(), "More")
    Page.objects.filter(slug="conduct").delete()
    assert "Code of conduct" not in nav(visitor_page(), "Main")
    client.post("/organize/settings/menu/", {"action": "usual"})
    assert nav(visitor_page(), "Main") == TOP
    assert Act.objects.filter(what__contains="menu").count() >= 4


def test_links_are_added_once_and_taken_away(client):
    new = {"action": "add", "label": "Proceedings", "url": "https://proceedings.example/2027", "place": "top"}
    assert client.post("/organize/settings/menu/", new).status_code == 302
    assert nav(visitor_page(), "Main") == [*TOP, "Proceedings"]
    assert 'href="https://proceedings.example/2027"' in visitor_page()
    assert client.post("/organize/settings/menu/", new).status_code == 422
    client.post("/organize/settings/menu/", menu_data(client, f"remove:{place_in_form(client, new['url'])}"))
    assert nav(visitor_page(), "Main") == TOP


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "nowhere", "https://", "/a b", "/\\evil.example"],
)
def test_what_is_no_address_is_no_link(client, url):
    answer = client.post("/organize/settings/menu/", {"action": "add", "label": "x", "url": url, "place": "top"})
    assert answer.status_code == 422
    assert client.post("/organize/settings/menu/", menu_data(client, papers_what=url)).status_code == 422
    assert not Appearance.objects.exists()


def test_names_of_free_pages_and_links_are_not_told_to_strangers_of_a_members_only_site(client):
    Page.objects.create(slug="secret", title="Zanzibar")
    Appearance.objects.create(pk=1, menu=[{"what": "https://zanzibar.example/", "label": "Zanzibar 2", "place": "top"}])
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"members_only": True})
    assert "anzibar" not in visitor_page("/accounts/login/")
    assert client.get("/").content.decode().count("Zanzibar") >= 2


# --- Visitors' pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["conference", "colour", "menu"])
def test_kept_pages_are_forgotten_when_settings_change(client, what, monkeypatch, django_capture_on_commit_callbacks):
    store = PageStore(1_000_000)
    forgotten = []
    monkeypatch.setattr(store, "forget", lambda tags=None: forgotten.append(tags))
    page_changes.stores.add(store)
    path, data = {
        "conference": ("/organize/settings/", conference_data(client, name="New")),
        "colour": ("/organize/settings/look/", look_data()),
        "menu": ("/organize/settings/menu/", menu_data(client, papers_label="Posters")),
    }[what]
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(path, data).status_code == 302
    assert None in forgotten


# --- Words of mails --------------------------------------------------------------------------------------------------

EVERY = [
    "announcement",
    "identity_connected",
    "invitation",
    "notifications",
    "reminder",
    "reply_refused",
    "seat",
    "sign_in_code",
    "thanks",
    "unknown_account",
]


def test_every_mail_has_usual_words_that_are_right_and_an_example(organizer):
    assert sorted(text.name for text in mail_texts.all_texts()) == EVERY
    for text in mail_texts.all_texts():
        words = mail_texts.usual_words(text.name)
        assert mail_texts.problems_of(text, words) == {}
        composed = mail_texts.compose(text, text.example(organizer))
        assert composed.subject
        assert not re.search(r"\{[a-z_]+\}", composed.subject + composed.text + (composed.html or "")), text.name
        # Each placeholder that is offered is there to be used.
        tried = mail_texts.Words("x", "\n".join(f"{{{name}}}" for name in text.known))
        assert not re.search(r"\{[a-z_]+\}", mail_texts.compose(text, text.example(organizer), tried).text)


def test_own_words_are_what_goes_out_and_the_usual_ones_come_back(client):
    data = {
        "action": "save",
        "subject": "Join {conference}!",
        "body": "Dear {greeting},\nsign in at {sign_in} with {email}.",
    }
    assert client.post("/organize/settings/mails/invitation/", data).status_code == 302
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"name": "Conf"})
    invitation = Invitation(email="ada@example.org", name="{conference} <b>")
    send_mail(template="invitation", to="ada@example.org", invitation=invitation)
    assert mail.outbox[0].subject == "Join Conf!"
    # What stands for a placeholder is not looked at again.
    assert mail.outbox[0].body == (
        f"Dear Hello {{conference}} <b>,\nsign in at {site.SITE_URL}/accounts/login/ with ada@example.org.\n"
    )
    client.post("/organize/settings/mails/invitation/", {"action": "usual"})
    send_mail(template="invitation", to="ada@example.org", invitation=invitation)
    assert mail.outbox[1].subject == "You are invited to Conf"
    acts = list(Act.objects.order_by("pk").values_list("what", "about"))
    assert acts == [
        ("changed the words of a mail", "Invitation"),
        ("gave a mail its usual words again", "Invitation"),
    ]


def test_the_code_that_signs_in_comes_in_the_organizers_words(client):
    User.objects.create_user("ada@example.org", name="Ada")
    MailWording.objects.create(name="sign_in_code", subject="Hi", body="Code [{code}] good for {minutes} minutes")
    visitor = Client()
    visitor.post("/accounts/login/", {"email": "ada@example.org"})
    assert mail.outbox[0].subject == "Hi"
    (code,) = re.findall(r"Code \[(\S+)\] good for 15 minutes", mail.outbox[0].body)
    visitor.post("/accounts/login/code/confirm/", {"code": code})
    assert visitor.get("/profile/").status_code == 200


@pytest.mark.parametrize(
    ("subject", "body", "field", "said"),
    [
        ("Hi", "{emial} {sign_in} {email}", "body", "Did you mean {email}?"),
        ("Hi", "{{ conference.name }} {sign_in} {email}", "body", "{{ conference.name }} is no placeholder"),
        ("Hi", "{ Email } {sign_in} {email}", "body", "Did you mean {email}?"),
        ("{code}", "{sign_in} {email}", "subject", "{code} is no placeholder of this mail. Known are {greeting}"),
        ("Hi", "{sign_in}", "body", "{email} is missing: the address with which they may sign in"),
        ("", "{sign_in} {email}", "subject", "required"),
        ("x" * 201, "{sign_in} {email}", "subject", "at most 200"),
    ],
)
def test_what_is_wrong_with_placeholders_is_said_and_nothing_is_kept(client, subject, body, field, said):
    data = {"action": "save", "subject": subject, "body": body}
    answer = client.post("/organize/settings/mails/invitation/", data)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert said in str(answer.context["form"].errors.as_data()[field][0])
    assert not MailWording.objects.exists()


def test_blocks_stand_in_texts_only(client):
    data = {"action": "save", "subject": "{messages}", "body": "{messages} {choices}"}
    answer = client.post("/organize/settings/mails/notifications/", data)
    assert "holds several lines" in answer.context["form"].errors["subject"][0]


def test_a_preview_shows_text_and_html_of_what_is_not_saved(client):
    data = {
        "action": "preview",
        "subject": "<b>{what}",
        "body": "<i>{greeting}</i> https://x.example\n{messages}\n{choices}",
    }
    page = client.post("/organize/settings/mails/notifications/", data)
    composed = page.context["composed"]
    assert composed.subject.startswith("<b>2 new messages")
    assert composed.text.startswith("<i>Hello Olive</i> https://x.example")
    assert '<p>&lt;i&gt;Hello Olive&lt;/i&gt; <a href="https://x.example"' in composed.html
    assert "<em>more</em>" in composed.html
    assert "&lt;b&gt;2 new messages" in page.content.decode()
    assert not MailWording.objects.exists()
    assert mail.outbox == []


def test_an_example_is_sent_to_whoever_asks_for_it_or_the_server_s_refusal_is_told(client, settings, mail_server):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for name in EVERY:
        words = mail_texts.usual_words(name)
        data = {"action": "send", "subject": f"Trial: {words.subject}", "body": words.body}
        page = client.post(f"/organize/settings/mails/{name}/", data).content.decode()
        assert "It was sent to organizer@example.org." in page
    assert [sent.to for sent in mail.outbox] == [["organizer@example.org"]] * len(EVERY)
    assert all(sent.subject.startswith("Trial: ") for sent in mail.outbox)
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 1
    assert (
        "The mail server did not take it"
        in client.post(
            "/organize/settings/mails/invitation/",
            {"action": "send", **vars(mail_texts.usual_words("invitation"))},
        ).content.decode()
    )


# --- Setting up ------------------------------------------------------------------------------------------------------


def test_the_first_organizer_is_led_through_and_may_leave_and_come_back(client, organizer):
    assert "This site is not set up yet" in client.get("/").content.decode()
    assert "not set up yet" not in visitor_page()
    assert client.get("/organize/setup/")["Location"] == "/organize/setup/name/"
    answer = client.post("/organize/setup/name/", {"name": "Conf", "tagline": "Ours"})
    assert answer["Location"] == "/organize/setup/dates/"
    # Left here, and gone on with by another organizer.
    other = Client()
    other.force_login(User.objects.create_user("o2@example.org", is_organizer=True))
    assert "Go on setting up" in other.get("/organize/").content.decode()
    assert other.get("/organize/setup/")["Location"] == "/organize/setup/dates/"
    dates = {"starts_on": "2027-05-03", "ends_on": "2027-05-01", "timezone": "Europe/Berlin"}
    assert other.post("/organize/setup/dates/", dates).status_code == 422
    assert wizard.next_step() == "dates"
    other.post("/organize/setup/dates/", {**dates, "ends_on": "2027-05-05"})
    access = {"members_only": "yes", "anonymous_runs": "no", "open_registration": "no", "approve_author_edits": "no"}
    assert other.post("/organize/setup/access/", access)["Location"] == "/organize/setup/programme/"
    assert other.post("/organize/setup/programme/", {"action": "later"})["Location"] == "/organize/setup/people/"
    assert other.post("/organize/setup/people/", {"action": "later"})["Location"] == "/organize/setup/"
    assert "is set up" in other.get("/organize/setup/").content.decode()
    assert "not set up yet" not in client.get("/organize/").content.decode()
    conference = Conference.current()
    assert (conference.name, conference.tagline, conference.timezone) == ("Conf", "Ours", "Europe/Berlin")
    assert conference.members_only
    assert str(conference.starts_on) == "2027-05-03"


def test_a_step_left_out_changes_nothing_and_is_not_asked_again(client):
    client.post("/organize/setup/name/", {"action": "later", "name": "Not this"})
    assert Conference.current().name == wizard.UNNAMED
    assert wizard.next_step() == "dates"


def test_nobody_is_asked_who_said_so_or_whose_site_was_filled_in_another_way(client):
    assert wizard.is_unfinished()
    client.post("/organize/setup/end/")
    assert not wizard.is_unfinished()
    wizard.SetupStep.objects.all().delete()
    Paper.objects.create(uid="P", title="Imported")
    assert not wizard.is_unfinished()
    Paper.objects.all().delete()
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"name": "Restored"})
    assert not wizard.is_unfinished()


# --- Checklist -------------------------------------------------------------------------------------------------------


def states() -> dict[str, str]:
    return {item.title: item.state for group in checklist.checklist(now()) for item in group.items}


def test_each_item_is_what_the_site_is(organizer, settings):
    settings.DEBUG = False
    settings.EMAIL_URL = ""
    start = now() + timedelta(days=3)
    assert {title for title, state in states().items() if state == "todo"} == {
        "Name", "Dates", "Code of conduct", "Papers", "Schedule", "Mail", "Backup"
    }  # fmt: skip
    Conference.objects.update_or_create(
        pk=Conference.current().pk,
        defaults={"name": "Conf", "starts_on": start.date(), "ends_on": start.date(), "timezone": "Europe/Berlin"},
    )
    paper = Paper.objects.create(uid="P.1", title="Silent")
    session = Session.objects.create(uid="S", title="Opening", starts_at=start, ends_at=start + timedelta(hours=1))
    Page.objects.create(slug="code-of-conduct", title="Conduct", body="Be kind.")
    User.objects.create_user("o2@example.org", is_organizer=True)
    demo = Demo.objects.create(slug="d", kind="generate", title="D", model="m")
    found = states()
    assert {title for title, state in found.items() if state == "todo"} == {
        "Authors",
        "Their models load",
        "Mail",
        "Backup",
    }
    assert {title for title, state in found.items() if state == "look"} == {
        "Privacy notice", "Sponsors", "Talks", "Chairs", "Moderators", "Tried once"
    }  # fmt: skip

    paper.authors.add(Person.objects.create(slug="a", name="A"), through_defaults={"position": 1})
    Paper.objects.update(video_url="https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    Role.objects.create(user=organizer, kind="chair", key=session.uid)
    Role.objects.create(user=organizer, kind="moderator")
    Page.objects.create(slug="imprint", title="Imprint", body="We.")
    Sponsor.objects.create(uid="acme", name="Acme")
    Run.objects.create(demo=demo, inputs={}, state="succeeded")
    BackupMade.objects.create(size=1)
    settings.EMAIL_URL = "smtp://mail.example"
    left = {title: state for title, state in states().items() if state != "done"}
    assert left == {"Their models load": "todo"}  # which no worker of a test does

    Run.objects.create(demo=demo, inputs={}, state="failed")
    Session.objects.create(
        uid="far", title="Far", starts_at=start + timedelta(days=9), ends_at=start + timedelta(days=9)
    )
    BackupMade.objects.update(at=now() - timedelta(days=3))
    settings.DEBUG = True
    left = {title: state for title, state in states().items() if state != "done"}
    assert left == {
        "Their models load": "todo", "Last run": "todo", "Sessions within the dates": "todo", "Chairs": "look",
        "Backup": "look", "DEBUG": "todo",
    }  # fmt: skip


def test_the_page_links_to_where_it_is_mended_and_the_doctor_speaks(client):
    paper = Paper.objects.create(uid="P.1", title="Silent")
    page = client.get("/organize/checklist/").content.decode()
    assert f'href="/papers/{paper.uid}/files/"' in page
    for address in re.findall(r'<li class="check.*?</li>', page, re.DOTALL):
        for link in re.findall(r'href="([^"]+)"', address):
            assert client.get(link).status_code == 200, link
    doctor = client.get("/organize/checklist/doctor/").content.decode()
    assert "secret key" in doctor
    assert "<html" not in client.get("/organize/checklist/doctor/", headers={"hx-request": "true"}).content.decode()


# --- Kept ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_backup_has_look_menu_and_words_and_is_itself_remembered(client, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    client.post("/organize/settings/look/", look_data(logo=picture()))
    client.post("/organize/settings/menu/", menu_data(client, papers_label="Posters"))
    MailWording.objects.create(name="seat", subject="A place", body="{event} {address}")
    before = (Appearance.objects.get(), bytes(Appearance.objects.get().logo))
    call_command("backup", str(tmp_path / "one.zip"), stdout=io.StringIO())
    assert BackupMade.objects.get().size == (tmp_path / "one.zip").stat().st_size
    write_backup(tmp_path / "two.zip", media=False)
    call_command("flush", interactive=False, verbosity=0)
    restore_backup(tmp_path / "two.zip")
    after = Appearance.objects.get()
    assert (after.accent, after.menu, bytes(after.logo)) == (before[0].accent, before[0].menu, before[1])
    assert look.addresses(after) == look.addresses(before[0])
    assert mail_texts.words_of("seat").subject == "A place"
    assert BackupMade.objects.count() == 1
