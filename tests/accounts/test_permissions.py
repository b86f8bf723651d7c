"""Who may do what: the whole table."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils.timezone import now

from demos.models import Demo
from miniconf import permissions
from miniconf.accounts.models import User
from papers.models import Authorship, Conference, Event, Paper, Person, Session

pytestmark = pytest.mark.django_db

WHO = ["visitor", "switched off", "attendee", "author", "representative", "author of another", "organizer"]
MEMBERS = ["attendee", "author", "representative", "author of another", "organizer"]
OWN = ["author", "representative", "organizer"]

TABLE = {
    "read an open site": WHO,
    "read a members-only site": MEMBERS,
    "write in a room": MEMBERS,
    "moderate a room": ["organizer"],
    "pin and hide in the paper's room": OWN,
    "report a message of the attendee": [who for who in MEMBERS if who != "attendee"],
    "judge a message of the attendee": OWN,
    "judge a message of the author": ["representative", "organizer"],
    "sanction the attendee": ["organizer"],
    "sanction the organizer": [],
    "oversee all rooms": ["organizer"],
    "forget the attendee": ["organizer"],
    "forget the organizer": [],
    "take home the attendee's data": ["attendee", "organizer"],
    "mark a question of the attendee as answered": ["attendee", *OWN],
    "run a demo where visitors may": WHO,
    "run a demo where they may not": MEMBERS,
    "run a demo of a members-only site": MEMBERS,
    "run a demo that is no more than a draft": OWN,
    "look at a demo": WHO,
    "look at a demo that is no more than a draft": OWN,
    "look at a demo of a withdrawn paper": OWN,
    "edit the paper's demo": OWN,
    "see private links": MEMBERS,
    "edit the paper": OWN,
    "change something of the paper": OWN,
    "change something of the author's own page": ["author", "organizer"],
    "change something of an event": ["organizer"],
    "decide on everybody's changes": ["organizer"],
    "import a programme": ["organizer"],
    "handle accounts and invitations": ["organizer"],
    "arrange the site": ["organizer"],
    "answer questions about a session": MEMBERS,
    "have a certificate": MEMBERS,
    "end the conference": ["organizer"],
    "find out what people said about the author's session": ["author", "organizer"],
    "find out what people said about the conference": ["organizer"],
    "know how much the site is used": ["organizer"],
    "bookmark": MEMBERS,
    "take a seat at a table": [who for who in MEMBERS if who != "author"],  # who is its host
    "host's list of a table": ["author", "organizer"],
    "manage the seats of a table": ["organizer"],
    "announce something to everybody": ["organizer"],
    "manage the demos": ["organizer"],
}


@pytest.fixture
def people():
    paper = Paper.objects.create(uid="P1", title="Ours")
    other = Paper.objects.create(uid="P2", title="Theirs")
    users = {"visitor": AnonymousUser()}
    for who in WHO[1:]:
        users[who] = User.objects.create_user(f"{who.replace(' ', '.')}@example.org", name=who)
    users["switched off"].is_active = False
    users["switched off"].save()
    users["organizer"].is_organizer = True
    users["organizer"].save()
    for who, written in (("author", paper), ("author of another", other)):
        person = Person.objects.create(slug=who.replace(" ", "-"), name=who, user=users[who])
        Authorship.objects.create(paper=written, person=person, position=1)
    paper.representatives.add(users["representative"])
    Event.objects.create(uid="t1", kind="mentoring", title="Table", capacity=1).people.add(users["author"].person)
    session = Session.objects.create(uid="S1", title="Session", starts_at=now(), ends_at=now())
    session.chairs.add(users["author"].person)
    return users


def speaking_for(paper):
    return frozenset(User.objects.filter(name__in=("author", "representative")).values_list("pk", flat=True))


def allowed(action, user):
    paper = Paper.objects.get(uid="P1")
    paper.withdrawn_at = now() if "withdrawn" in action else None
    demo = Demo(slug="d", paper=paper, enabled="draft" not in action)
    Conference.objects.update_or_create(
        pk=Conference.current().pk,
        defaults={
            "members_only": "members-only" in action,
            "anonymous_runs": action != "run a demo where they may not",
        },
    )
    match action.split()[0]:
        case "read":
            return permissions.can_read_site(user)
        case "write":
            return permissions.can_post(user, "paper:P1")
        case "moderate":
            return permissions.can_moderate(user, "paper:P1")
        case "pin":
            return permissions.can_moderate_room(user, "paper:P1", speaking_for(paper))
        case "report":
            return permissions.can_report(user, User.objects.get(name="attendee").pk)
        case "judge":
            writer = User.objects.get(name=action.split()[-1])
            return permissions.can_judge(user, "paper:P1", speaking_for(paper), writer.pk)
        case "sanction":
            return permissions.can_sanction(user, User.objects.get(name=action.split()[-1]))
        case "oversee":
            return permissions.can_see_moderation(user)
        case "forget":
            return permissions.can_forget(user, User.objects.get(name=action.split()[-1]))
        case "take" if action.endswith("data"):
            return permissions.can_read_personal_data(user, User.objects.get(name="attendee"))
        case "mark":
            asker = User.objects.get(name="attendee")
            return permissions.can_mark_answer(user, asker.pk, "paper:P1", speaking_for(paper))
        case "run":
            return permissions.can_run(user, demo)
        case "look":
            return permissions.can_see_demo(user, demo)
        case "edit" if action.endswith("demo"):
            return permissions.can_edit_demo(user, demo)
        case "see":
            return permissions.can_see_private(user)
        case "edit":
            return permissions.can_edit_paper(user, paper)
        case "change":
            rows = {"paper": paper, "page": Person.objects.get(slug="author"), "event": Event.objects.get(uid="t1")}
            return permissions.can_edit(user, rows[action.split()[-1]])
        case "decide":
            return permissions.can_edit_everything(user)
        case "know":
            return permissions.can_see_numbers(user)
        case "handle":
            return permissions.can_manage_people(user)
        case "arrange":
            return permissions.can_change_settings(user)
        case "answer":
            return permissions.can_give_feedback(user)
        case "have":
            return permissions.can_have_certificate(user)
        case "end":
            return permissions.can_end_conference(user)
        case "find":
            chaired = Session.objects.get(uid="S1") if action.endswith("session") else None
            return permissions.can_see_feedback(user, chaired)
        case "import":
            return permissions.can_import(user)
        case "bookmark":
            return permissions.can_bookmark(user)
        case "take":
            return permissions.can_take_seat(user, Event.objects.get(uid="t1"))
        case "host's":
            return permissions.can_see_seats(user, Event.objects.get(uid="t1"))
        case "manage" if action.endswith("demos"):
            return permissions.can_manage_demos(user)
        case "manage":
            return permissions.can_manage_seats(user)
        case "announce":
            return permissions.can_announce(user)
    raise AssertionError(action)


@pytest.mark.parametrize("action", TABLE)
def test_who_may(people, action):
    assert [who for who in WHO if allowed(action, people[who])] == TABLE[action]


def test_the_table_names_every_predicate():
    """A new rule needs a row above."""
    named = {name for name in vars(permissions) if name.startswith("can_")}
    assert named == {
        "can_read_site",
        "can_post",
        "can_moderate",
        "can_moderate_room",
        "can_report",
        "can_judge",
        "can_sanction",
        "can_see_moderation",
        "can_forget",
        "can_read_personal_data",
        "can_mark_answer",
        "can_run",
        "can_edit_demo",
        "can_see_demo",
        "can_see_private",
        "can_edit_paper",
        "can_edit",
        "can_edit_everything",
        "can_import",
        "can_change_settings",
        "can_bookmark",
        "can_take_seat",
        "can_see_seats",
        "can_manage_seats",
        "can_announce",
        "can_manage_demos",
        "can_manage_people",
        "can_see_numbers",
        "can_give_feedback",
        "can_have_certificate",
        "can_end_conference",
        "can_see_feedback",
    }
