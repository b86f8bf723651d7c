"""A members-only site shows visitors nothing, and members everything; proved with data that could leak."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from demos.models import Demo, Run
from miniconf.accounts.models import ApiToken, User
from papers.models import Conference, Event, Page, Paper, Person, Session, Sponsor

pytestmark = pytest.mark.django_db

SECRET = "Zanzibar"


@pytest.fixture
def site():
    Conference.objects.update_or_create(
        pk=Conference.current().pk, defaults={"members_only": True, "name": f"{SECRET} Conference", "about": SECRET}
    )
    paper = Paper.objects.create(uid="Z.1", title=f"On {SECRET}", abstract=SECRET)
    demo = Demo.objects.create(slug="z", paper=paper, kind="generate", title=SECRET, model="tiny")
    event = Event.objects.create(uid="z-event", kind="keynote", title=SECRET)
    Session.objects.create(
        uid="z-session", title=SECRET, starts_at="2027-05-03T10:00Z", ends_at="2027-05-03T11:00Z", event=event
    )
    Person.objects.create(slug="zan", name=f"{SECRET} Author")
    Sponsor.objects.create(uid="z-sponsor", name=SECRET)
    Page.objects.create(slug="z", title=SECRET)
    run = Run.objects.create(
        demo=demo, inputs={"prompt": SECRET}, state="succeeded", output={"text": SECRET, "tokens": []}
    )
    return {"uid": "Z.1", "slug": "zan", "run_id": run.pk, "pk": run.pk, "number": 1, "room_key": "paper:Z.1"}


PAGES = [
    "/",
    "/papers/",
    "/papers/?q=Zanzibar",
    "/papers/Z.1/",
    "/papers/Z.2/",
    "/papers/Z.1/quick/",
    "/papers/Z.1/files/",
    "/papers/suggest?q=Zan",
    "/papers/map/",
    "/papers/map/points/",
    "/papers/map/titles/",
    "/papers/map/found/?search=Zanzibar",
    "/for-you/?uids=Z.1",
    "/bookmarks/",
    "/bookmarks/set/",
    "/bookmarks/take-over/",
    "/bookmarks/papers.csv?uid=Z.1",
    "/bookmarks/papers.bib?uid=Z.1",
    "/people/",
    "/people/zan/",
    "/announcements/",
    "/popular/",
    "/announcements/own/",
    "/organize/announcements/",
    "/organize/announcements/1/",
    "/organize/announcements/1/progress/",
    "/organize/announcements/1/mails/stop/",
    "/organize/announcements/1/remove/",
    "/feedback/",
    "/feedback/results/",
    "/feedback/results.csv",
    "/sessions/z-session/feedback/",
    "/sessions/z-session/feedback/results/",
    "/sessions/z-session/feedback/results.csv",
    "/organize/feedback/",
    "/organize/feedback/conference/",
    "/organize/feedback/sessions/",
    "/organize/feedback/sessions/z-session/",
    "/certificate/",
    "/certificate/download/",
    "/organize/certificates/",
    "/organize/end/",
    "/organize/end/rooms/",
    "/organize/end/archive/",
    "/organize/end/archive/progress/",
    "/organize/end/thanks/",
    "/organize/end/retention/",
    "/seats/",
    "/sponsors/",
    "/sponsors/z-sponsor/",
    "/pages/z/",
    "/edit/paper/Z.1/",
    "/history/paper/Z.1/",
    "/new/paper/",
    "/uploads/",
    "/organize/",
    "/organize/edits/",
    "/organize/today/",
    "/organize/numbers/",
    "/organize/numbers/papers.csv",
    "/organize/settings/",
    "/organize/settings/access/",
    "/organize/settings/look/",
    "/organize/settings/look/preview/",
    "/organize/settings/menu/",
    "/organize/settings/mails/",
    "/organize/settings/mails/invitation/",
    "/organize/setup/",
    "/organize/setup/end/",
    "/organize/setup/name/",
    "/organize/checklist/",
    "/organize/checklist/doctor/",
    "/organize/people/",
    "/organize/people/invitations/",
    "/organize/people/invitations/progress/",
    "/organize/people/invitations/preview/x/",
    "/organize/people/invitations/send/stop/",
    "/organize/people/admission/",
    "/organize/people/authors/",
    "/organize/people/record/",
    "/organize/people/roles/1/take-back/",
    "/organize/demos/",
    "/organize/demos/act/",
    "/papers/Z.1/played/",
    "/papers/Z.1/demos/",
    "/chat/search/?q=Zanzibar",
    "/models/",
    "/models/tiny/",
    "/demos/z/",
    "/demos/z/publish/",
    "/organize/imports/",
    "/schedule/",
    "/schedule/zone/",
    "/my-schedule/",
    "/my-schedule/of/?session=z-session",
    "/my-schedule/reminders/",
    "/missed/",
    "/sessions/z-session/",
    "/events/",
    "/events/z-event/",
    "/help/",
    "/export/",
    "/export/frab-json",
    "/schedule.ics",
    "/schedule.ics?kind=other",
    "/sessions/z-session.ics",
    "/my-calendar/",
    "/demos/",
    "/runs/{run_id}/",
    "/chat/paper:Z.1/",
    "/chat/paper:Z.1/?around=1",
    "/chat/paper:Z.1/thread/1/",
    "/chat/paper:Z.1/questions/",
    "/chat/paper:Z.1/screen/",
    "/moderation/",
    "/moderation/act/",
    "/moderation/my-data.json",
    "/moderation/people/",
    "/moderation/record/",
    "/moderation/reports/",
    "/moderation/rooms/paper:Z.1/",
    "/moderation/rooms/paper:Z.1/export.json",
    "/moderation/sanctions/",
    "/moderation/words/",
    "/notifications/",
    "/notifications/{number}/",
    "/notifications/read/",
    "/inbox/",
    "/desk/",
    "/desk/{number}/",
    "/follow/",
    "/media/sample/anything.mp4",
    "/profile/",
    "/admin/",
    "/nowhere/",
]
API = [
    "/api/v1/papers",
    "/api/v1/papers?search=Zanzibar",
    "/api/v1/papers/Z.1",
    "/api/v1/papers/Z.2",
    "/api/v1/sessions",
    "/api/v1/events",
    "/api/v1/demos",
    "/api/v1/runs/{run_id}",
    "/api/v1/runs/{run_id}/events",
]


@pytest.mark.parametrize("path", PAGES)
def test_visitors_are_sent_to_sign_in_whatever_they_ask_for(site, path):
    answer = Client().get(path.format(**site))
    assert answer.status_code in (302, 401)
    assert SECRET.encode() not in answer.content


@pytest.mark.parametrize("path", API)
def test_programs_without_a_token_get_a_problem(site, path):
    answer = Client().get(path.format(**site))
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert SECRET.encode() not in answer.content


def test_members_see_the_site(site):
    user = User.objects.create_user("member@example.org", name="Member")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    for path in ("/", "/papers/Z.1/", "/schedule/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert SECRET in answer.content.decode()


def test_a_token_speaks_for_its_member(site):
    user = User.objects.create_user("member@example.org", name="Member")
    _, text = ApiToken.issue(user, "test")
    answer = Client().get("/api/v1/papers/Z.1", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200
    assert answer.json()["title"] == f"On {SECRET}"


def test_health_is_told_to_everybody(site):
    assert Client().get("/healthz").status_code == 200


def test_every_address_of_the_site_is_in_these_lists():
    """A new page needs a line above, or a reason to be open."""
    covered = {re.split(r"<|\(\?P", str(p).replace("^", "").replace("$", ""))[0] for p in _patterns()}
    listed = {path.split("?")[0].lstrip("/") for path in PAGES + API}
    missing = {
        route
        for route in covered
        if not route.startswith(
            (
                "accounts/",
                "admin/",
                "api/",
                "mail/",
                "sign-in/",
                "healthz",
                "readyz",
                "metrics",
                "profile/",
                "calendar/",
                "theme/",
                "certificates/",  # confirms one to whoever was shown its code
            )
        )
        and not any(path.startswith(route) for path in listed)
    }
    assert missing == set()


def _patterns(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if hasattr(entry, "url_patterns"):
            yield from _patterns(entry, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern)
