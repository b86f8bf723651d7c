"""Who may reach what: one line for every route of the site and every command of its websocket, held against both.

A route without a line fails, and so does a line without a route. Each address is asked for as a visitor, a member, an
author of the paper and an organizer; where a page takes no GET, a POST without anything is sent. Inside is who is neither
refused nor sent to sign in nor told that there is nothing; what is wrong with an empty form (400, 409, 422) or missing on
a machine without workers (503) is told to people who are inside.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from chat.models import Message, Notification, Room, Sanction
from demos.models import Demo, Run
from miniconf.accounts.models import ApiToken, User
from miniconf.certificates.models import Certificate
from miniconf.console.models import Appearance
from miniconf.feedback.models import FeedbackForm
from miniconf.live import registry
from miniconf.live.registry import LiveError, run_command
from miniconf.people.models import Role
from papers.models import (
    Announcement,
    Authorship,
    Edit,
    Event,
    Import,
    Page,
    Paper,
    Person,
    Session,
    Sponsor,
)

pytestmark = pytest.mark.django_db

# Whether a visitor, a member, an author of the paper, an organizer is inside.
EVERYBODY = (True, True, True, True)
MEMBERS = (False, True, True, True)
AUTHORS = (False, False, True, True)
ORGANIZERS = (False, False, False, True)
OWNER = (False, True, False, False)  # the member whose it is
OWNER_AND_ORGANIZERS = (False, True, False, True)
NOBODY = (False, False, False, False)  # without the secret that the address or a token holds, or what is not there

RUN = UUID(int=7)
ROUTES = {
    "organize/demos/": ORGANIZERS,
    "organize/demos/act/": ORGANIZERS,
    "organize/people/": ORGANIZERS,
    "organize/people/invitations/": ORGANIZERS,
    "organize/people/invitations/progress/": ORGANIZERS,
    "organize/people/invitations/preview/<str:key>/": ORGANIZERS,
    "organize/people/^invitations/send/(?P<which>waiting|failed|sent|stop)/$": ORGANIZERS,
    "organize/people/admission/": ORGANIZERS,
    "organize/people/authors/": ORGANIZERS,
    "organize/people/record/": ORGANIZERS,
    "organize/people/roles/<int:pk>/take-back/": ORGANIZERS,
    "organize/people/<uuid:public_id>/": ORGANIZERS,
    "organize/people/^(?P<public_id>[0-9a-f-]{36})/(?P<action>organizer|attendee|off|on)/$": ORGANIZERS,
    "certificate/": MEMBERS,
    "certificate/download/": MEMBERS,
    "certificates/": EVERYBODY,
    "certificates/<str:code>/": EVERYBODY,
    "organize/certificates/": ORGANIZERS,
    "organize/end/": ORGANIZERS,
    "organize/end/rooms/": ORGANIZERS,
    "organize/end/archive/": ORGANIZERS,
    "organize/end/archive/progress/": ORGANIZERS,
    "organize/end/archive/<uuid:archive_id>.zip": NOBODY,  # there is no such archive here
    "organize/end/thanks/": ORGANIZERS,
    "organize/end/retention/": ORGANIZERS,
    "feedback/": MEMBERS,
    "feedback/results/": ORGANIZERS,
    "feedback/results.csv": ORGANIZERS,
    "sessions/<uid:uid>/feedback/": MEMBERS,
    "sessions/<uid:uid>/feedback/results/": ORGANIZERS,
    "sessions/<uid:uid>/feedback/results.csv": ORGANIZERS,
    "organize/feedback/": ORGANIZERS,
    "organize/feedback/conference/": ORGANIZERS,
    "organize/feedback/sessions/": ORGANIZERS,
    "organize/feedback/sessions/<uid:uid>/": ORGANIZERS,
    "organize/announcements/": ORGANIZERS,
    "organize/announcements/<int:pk>/": ORGANIZERS,
    "organize/announcements/<int:pk>/progress/": ORGANIZERS,
    "organize/announcements/^(?P<pk>[0-9]+)/mails/(?P<which>stop|waiting|failed|unsure)/$": ORGANIZERS,
    "organize/announcements/<int:pk>/remove/": ORGANIZERS,
    "organize/today/": ORGANIZERS,
    "organize/numbers/": ORGANIZERS,
    "popular/": EVERYBODY,
    "^organize/numbers/(?P<name>days|papers)\\.csv$": ORGANIZERS,
    "^papers/(?P<uid>[^/\\0]+)/played/$": EVERYBODY,
    "organize/settings/": ORGANIZERS,
    "organize/settings/access/": ORGANIZERS,
    "organize/settings/look/": ORGANIZERS,
    "organize/settings/look/preview/": ORGANIZERS,
    "organize/settings/menu/": ORGANIZERS,
    "organize/settings/mails/": ORGANIZERS,
    "organize/settings/mails/<slug:mail>/": ORGANIZERS,
    "organize/setup/": ORGANIZERS,
    "organize/setup/end/": ORGANIZERS,
    "organize/setup/<slug:step>/": ORGANIZERS,
    "organize/checklist/": ORGANIZERS,
    "organize/checklist/doctor/": ORGANIZERS,
    "^theme/(?P<mark>[0-9a-f]{16})\\.css$": EVERYBODY,
    "^theme/logo-(?P<mark>[0-9a-f]{16})\\.webp$": NOBODY,  # there is no such logo here
    "": EVERYBODY,
    "papers/": EVERYBODY,
    "papers/map/": EVERYBODY,
    "papers/map/points/": EVERYBODY,
    "papers/map/titles/": EVERYBODY,
    "papers/map/found/": EVERYBODY,
    "papers/suggest": EVERYBODY,
    "papers/<uid:uid>/": EVERYBODY,
    "papers/<uid:uid>/quick/": EVERYBODY,
    "for-you/": EVERYBODY,
    "bookmarks/": EVERYBODY,
    "bookmarks/set/": NOBODY,
    "bookmarks/take-over/": MEMBERS,
    "bookmarks/papers.csv": EVERYBODY,
    "bookmarks/papers.bib": EVERYBODY,
    "people/": EVERYBODY,
    "people/<uid:slug>/": EVERYBODY,
    "schedule/": EVERYBODY,
    "schedule/zone/": EVERYBODY,
    "my-schedule/": EVERYBODY,
    "my-schedule/of/": EVERYBODY,
    "my-schedule/reminders/": MEMBERS,
    "missed/": MEMBERS,
    "sessions/<uid:uid>/": EVERYBODY,
    "events/": EVERYBODY,
    "events/<uid:uid>/": EVERYBODY,
    "events/<uid:uid>/seat/": MEMBERS,
    "events/<uid:uid>/seats/": ORGANIZERS,
    "seats/": MEMBERS,
    "sponsors/": EVERYBODY,
    "sponsors/<uid:uid>/": EVERYBODY,
    "announcements/": EVERYBODY,
    "announcements/own/": MEMBERS,
    "pages/<slug:slug>/": EVERYBODY,
    "help/": EVERYBODY,
    "export/": EVERYBODY,
    "export/<slug:name>": EVERYBODY,
    "schedule.ics": EVERYBODY,
    "sessions/<uid:uid>.ics": EVERYBODY,
    "my-calendar/": MEMBERS,
    "calendar/<str:token>.ics": NOBODY,
    "^calendar/[\\s\\S]*$": NOBODY,
    "edit/<slug:kind>/<uid:key>/": AUTHORS,
    "history/<slug:kind>/<uid:key>/": AUTHORS,
    "new/<slug:kind>/": ORGANIZERS,
    "papers/<uid:uid>/files/": AUTHORS,
    "uploads/": MEMBERS,
    "uploads/<uuid:upload_id>/": EVERYBODY,
    "organize/": ORGANIZERS,
    "organize/edits/": ORGANIZERS,
    "organize/edits/<int:edit_id>/<str:action>/": ORGANIZERS,
    "organize/imports/": ORGANIZERS,
    "organize/imports/<uuid:import_id>/": ORGANIZERS,
    "organize/imports/<uuid:import_id>/apply/": ORGANIZERS,
    "organize/imports/<uuid:import_id>/discard/": ORGANIZERS,
    "organize/imports/<uuid:import_id>/undo/": ORGANIZERS,
    "media/<path:path>": NOBODY,
    "notifications/": MEMBERS,
    "notifications/<int:pk>/": OWNER,
    "notifications/read/": MEMBERS,
    "inbox/": MEMBERS,
    "desk/": MEMBERS,
    "desk/<int:pk>/": MEMBERS,
    "follow/": NOBODY,
    "profile/mail/": MEMBERS,
    "mail/unsubscribe/<str:token>/": NOBODY,
    "mail/inbound": NOBODY,
    "mail/mute/<str:token>/": NOBODY,
    "chat/search/": EVERYBODY,
    "chat/<path:room_key>/thread/<int:message_id>/": EVERYBODY,
    "chat/<path:room_key>/questions/": EVERYBODY,
    "chat/<path:room_key>/screen/": AUTHORS,
    "chat/<path:room_key>/act/": EVERYBODY,
    "chat/<path:room_key>/": EVERYBODY,
    "moderation/": ORGANIZERS,
    "moderation/act/": NOBODY,
    "moderation/reports/": ORGANIZERS,
    "moderation/sanctions/": ORGANIZERS,
    "moderation/words/": ORGANIZERS,
    "moderation/record/": ORGANIZERS,
    "moderation/my-data.json": MEMBERS,
    "moderation/people/": ORGANIZERS,
    "moderation/people/<uuid:public_id>/": ORGANIZERS,
    "moderation/people/<uuid:public_id>/sanction/": ORGANIZERS,
    "moderation/people/<uuid:public_id>/forget/": ORGANIZERS,
    "moderation/people/<uuid:public_id>/data.json": OWNER_AND_ORGANIZERS,
    "moderation/rooms/<path:room_key>/export.<str:name>": AUTHORS,
    "moderation/rooms/<path:room_key>/": AUTHORS,
    "demos/": EVERYBODY,
    "demos/<slug:slug>/": EVERYBODY,
    "demos/<slug:slug>/preview/": EVERYBODY,
    "demos/<slug:slug>/run/": EVERYBODY,
    "demos/<slug:slug>/set-up/": AUTHORS,
    "^demos/(?P<slug>[-\\w]+)/(?P<action>publish|withdraw|precompute)/$": AUTHORS,
    "papers/<uid:uid>/demos/": AUTHORS,
    "papers/<uid:uid>/demos/new/<slug:kind>/": AUTHORS,
    "runs/<uuid:run_id>/": EVERYBODY,
    "runs/<uuid:run_id>/stop/": ORGANIZERS,
    "runs/<uuid:run_id>/keep/": ORGANIZERS,
    "runs/<uuid:run_id>/result/": EVERYBODY,
    "runs/<uuid:run_id>/branches/": EVERYBODY,
    "runs/<uuid:run_id>/parts/<str:name>": NOBODY,
    "runs/<uuid:run_id>/card/": EVERYBODY,
    "runs/<uuid:run_id>/discuss/": MEMBERS,
    "models/": EVERYBODY,
    "models/<path:address>/state/": EVERYBODY,
    "models/<path:address>/pictures/<str:file>": NOBODY,
    "models/<path:address>/": EVERYBODY,
    "demos/<slug:slug>/tokens/": EVERYBODY,
    "accounts/login/": EVERYBODY,
    "accounts/login/code/": EVERYBODY,
    "accounts/signup/": EVERYBODY,
    "accounts/confirm-email/": EVERYBODY,
    "accounts/login/code/confirm/": EVERYBODY,
    "accounts/logout/": EVERYBODY,
    "accounts/inactive/": EVERYBODY,
    "accounts/with/<slug:provider>/": NOBODY,  # there is no such provider here
    "accounts/with/<slug:provider>/callback/": NOBODY,
    "accounts/forget-identity/": EVERYBODY,
    "profile/": MEMBERS,
    "profile/tokens/": MEMBERS,
    "profile/tokens/<int:pk>/revoke/": OWNER,
    "profile/identities/<int:pk>/disconnect/": OWNER,
    "profile/sign-out-everywhere/": MEMBERS,
    "sign-in/<str:token>/": NOBODY,
    "api/v1/docs": EVERYBODY,
    "api/v1/openapi.json": EVERYBODY,
    "api/v1/papers": EVERYBODY,
    "api/v1/papers/<uid>": EVERYBODY,
    "api/v1/sessions": EVERYBODY,
    "api/v1/events": EVERYBODY,
    "api/v1/demos": EVERYBODY,
    "api/v1/demos/<slug>": EVERYBODY,
    "api/v1/demos/<slug>/examples": EVERYBODY,
    "api/v1/models": EVERYBODY,
    "api/v1/demos/<slug>/runs": EVERYBODY,
    "api/v1/runs": MEMBERS,
    "api/v1/runs/<run_id>": EVERYBODY,
    "api/v1/runs/<run_id>/cancel": ORGANIZERS,
    "api/v1/runs/<run_id>/keep": ORGANIZERS,
    "api/v1/runs/<run_id>/events": EVERYBODY,
    "api/v1/": NOBODY,
    "healthz": EVERYBODY,
    "readyz": EVERYBODY,
    "metrics": NOBODY,
}
# Who may say what over the websocket, about somebody else's message in the room of the author's paper.
COMMANDS = {
    "chat.answered": AUTHORS,
    "chat.ask": NOBODY,
    "chat.delete": NOBODY,
    "chat.dismiss": AUTHORS,
    "chat.edit": NOBODY,
    "chat.hide": AUTHORS,
    "chat.lift": ORGANIZERS,
    "chat.pin": AUTHORS,
    "chat.remove": ORGANIZERS,
    "chat.sanction": ORGANIZERS,
    "chat.set_room": ORGANIZERS,
}
OPEN_COMMANDS = {"chat.history", "chat.thread", "chat.questions", "chat.pinned", "chat.search", "chat.mine"}
MEMBERS_COMMANDS = {"chat.send", "chat.react", "chat.vote", "chat.report", "chat.read", "chat.typing", "chat.people"}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Several hundred refusals are expected."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name}@example.org", name=name) for name in ("member", "author", "organizer")
    }
    made["organizer"].is_organizer = made["organizer"].is_staff = True
    made["organizer"].save()
    return made


@pytest.fixture
def places(people: dict[str, User]) -> dict[str, object]:
    """Something behind each parameter of an address."""
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="author", name="author", user=people["author"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    Event.objects.create(uid="P1", kind="mentoring", title="A table", capacity=3)
    Session.objects.create(uid="P1", title="S", starts_at="2027-05-03T10:00Z", ends_at="2027-05-03T11:00Z")
    for key in ("conference", "sessions"):
        FeedbackForm.objects.create(key=key, is_on=True).questions.create(kind="rating", text="How good?")
    facts = {"conference": "C", "starts_on": None, "ends_on": None, "attended": True, "organizer": False}
    facts |= {"papers": [], "more_papers": 0, "sessions": [], "more_sessions": 0}
    Certificate.objects.create(code="A" * 20, user=people["member"], name="member", facts=facts)
    Sponsor.objects.create(uid="P1", name="Acme")
    Page.objects.create(slug="help", title="Help")
    Appearance.objects.create(menu=[{"what": "popular", "label": "", "place": "footer"}])
    demo = Demo.objects.create(slug="demo", paper=paper, kind="generate", title="D", model="sha-rnn")
    Run.objects.create(id=RUN, demo=demo, inputs={"prompt": "x"}, state="succeeded", output={"text": "y", "tokens": []})
    room = Room.objects.create(key="paper:P1", last_number=1)
    message = Message.objects.create(
        room=room, number=1, author=people["author"], client_id=UUID(int=1), text="Hi", html="<p>Hi</p>"
    )
    edit = Edit.objects.create(kind="paper", key="P1", user=people["author"], before={}, after={}, title="A paper")
    made = Import.objects.create(user=people["organizer"], files=["papers.csv"])
    role = Role.objects.create(user=people["member"], kind="chair", key="elsewhere")
    Announcement.objects.create(pk=role.pk, title="Hello", published_at="2020-01-01T00:00Z")
    notification = Notification.objects.create(user=people["member"], message=message, cause="reply")
    token, _ = ApiToken.issue(people["member"], "laptop")
    SocialAccount.objects.create(pk=token.pk, user=people["member"], provider="uni", uid="1")
    return {
        "uid": "P1", "slug": {"people": "author", "pages": "help", "demos": "demo", "api": "demo", "export": "csv"},
        "kind": {"papers": "generate", "edit": "paper", "history": "paper", "new": "paper"}, "key": "P1",
        "name": {"organize": "days", "export": "csv", "moderation": "json", "runs": "nothing"}, "path": "nothing.pdf",
        "room_key": "paper:P1", "message_id": message.pk, "public_id": people["member"].public_id, "run_id": RUN,
        "import_id": made.pk, "edit_id": edit.pk, "upload_id": UUID(int=9), "token": "guess", "which": "stop",
        "action": {"organize": "on", "demos": "publish"}, "address": "sha-rnn", "file": "nothing.png", "provider": "nobody",
        "code": "A" * 20, "archive_id": UUID(int=3), "mail": "invitation", "step": "name", "mark": "0" * 16,
        "pk": {
            "notifications": notification.pk, "profile": token.pk, "organize": role.pk,
            "desk": message.pk,
        },
    }  # fmt: skip


def routes(resolver: object = None, prefix: str = "") -> list[str]:
    """Every route but those of Django's admin, which is for staff as a whole."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:  # type: ignore[attr-defined]
        if hasattr(entry, "url_patterns"):
            found += routes(entry, prefix + str(entry.pattern))
        else:
            found.append(prefix + str(entry.pattern))
    return [route for route in dict.fromkeys(found) if not route.startswith("admin/")]


def address_of(route: str, places: dict[str, object]) -> str:
    plain = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)
    plain = plain.replace(r"[\s\S]*", "guess.ics").replace("^", "").replace("$", "").replace("\\.", ".")

    def value(match: re.Match[str]) -> str:
        found = places[match[1].rpartition(":")[2]]
        return str(found[plain.split("/")[0]] if isinstance(found, dict) else found)

    return "/" + re.sub(r"<([\w:]+)>", value, plain)


def is_inside(client: Client, address: str) -> bool:
    answer = client.get(address)
    if answer.status_code == 405:
        answer = client.post(address)
    sent_away = answer.status_code == 302 and re.search(r"/accounts/login/\?(.*&)?next=", answer["Location"])
    assert answer.status_code != 500, address
    return answer.status_code not in (401, 403, 404) and not sent_away


def test_every_route_has_a_line_and_every_line_a_route():
    assert sorted(ROUTES) == sorted(routes())


@pytest.mark.parametrize("who", ["visitor", "member", "author", "organizer"])
def test_every_route_is_open_to_whom_its_line_says_and_to_nobody_else(people, places, who):
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    place = ["visitor", *people].index(who)
    found = {}
    for route in ROUTES:
        client = Client(raise_request_exception=False)
        if who != "visitor":
            client.force_login(User.objects.get(pk=people[who].pk), backend=backend)
        found[route] = is_inside(client, address_of(route, places))
    assert found == {route: line[place] for route, line in ROUTES.items()}


def is_carried_out(user: object, name: str, payload: dict[str, object]) -> bool:
    """Or refused for another reason than who asks. Nothing of it stays."""
    try:
        with transaction.atomic():
            try:
                run_command(user, name, payload)  # type: ignore[arg-type]
            finally:
                transaction.set_rollback(True)
    except LiveError as error:
        return error.code not in ("sign_in", "forbidden")
    return True


def payload_of(name: str, message: Message, muted: Sanction) -> dict[str, object]:
    """What each command needs, about the author's message in the paper's room."""
    values = {
        "room": "paper:P1", "message": message.pk, "messages": [message.pk], "text": "text", "emoji": "👍", "number": 1,
        "client_id": str(UUID(int=message.pk + 100)), "sanction": muted.pk, "person": str(muted.user.public_id),
        "kind": "mute",
    }  # fmt: skip
    fields = registry._commands[name].payload.model_fields
    return {field: values[field] for field, info in fields.items() if info.is_required()}


def test_every_command_is_carried_out_for_whom_its_line_says_and_for_nobody_else(people, places):
    assert set(registry._commands) == set(COMMANDS) | OPEN_COMMANDS | MEMBERS_COMMANDS, "a new command needs a line"
    expected = {
        **COMMANDS, **dict.fromkeys(OPEN_COMMANDS, EVERYBODY), **dict.fromkeys(MEMBERS_COMMANDS, MEMBERS),
    }  # fmt: skip
    writer = User.objects.create_user("writer@example.org", name="writer")
    message = Message.objects.get()
    Message.objects.update(author=writer, asked=Message.Asked.OPEN)
    muted = Sanction.objects.create(user=writer, kind=Sanction.Kind.MUTE)
    everybody = (AnonymousUser(), *people.values())
    found = {
        name: tuple(is_carried_out(user, name, payload_of(name, message, muted)) for user in everybody)
        for name in expected
    }
    assert found == expected
