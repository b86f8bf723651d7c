"""What a conference should have before it opens, each looked up in the site as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from demos.models import Demo, Run
from miniconf.accounts.models import User
from miniconf.doctor import examine
from miniconf.doctor.findings import Finding
from miniconf.health import readiness
from miniconf.people.models import Invitation, Role
from papers.models import Conference, Edit, Import, Page, Person, Sponsor
from papers.queries import visible_papers, visible_sessions

from ..models import Appearance, BackupMade
from ..today import unattended
from . import menu, wizard

State = Literal["done", "look", "todo"]
NAMED = 6  # of many papers or sessions
BACKUP_LASTS = timedelta(days=2)


@dataclass(frozen=True)
class Item:
    """`look`: it may be meant that way; `todo`: a conference should not open like this."""

    title: str
    state: State
    seen: str
    url: str = ""
    act: str = ""  # what the link is called
    named: list[tuple[str, str]] = field(default_factory=list)  # the first of those that are meant


@dataclass(frozen=True)
class Group:
    title: str
    items: list[Item]


def checklist(moment: datetime) -> list[Group]:
    return [
        Group("The conference", list(_conference())),
        Group("The programme", list(_programme())),
        Group("People", list(_people(moment))),
        Group("Demos", list(_demos())),
        Group("The site", list(_site(moment))),
    ]


def left(groups: list[Group]) -> dict[State, int]:
    states: list[State] = [item.state for group in groups for item in group.items]
    kinds: tuple[State, ...] = ("done", "look", "todo")
    return {state: states.count(state) for state in kinds}


def doctors_findings() -> list[Finding]:
    """Takes seconds where something does not answer."""
    return list(examine())


def _item(
    title: str, good: bool, seen: str, url: str = "", act: str = "", *, otherwise: State = "todo",
    named: list[tuple[str, str]] | None = None,
) -> Item:  # fmt: skip
    return Item(title, "done" if good else otherwise, seen, url, act, named or [])


def _conference() -> Iterator[Item]:
    conference = Conference.current()
    named = conference.name != wizard.UNNAMED
    url = reverse("site_settings")
    yield _item("Name", named, conference.name if named else "It is still called miniconf", url, "Change")
    first, last = conference.starts_on, conference.ends_on
    yield _item("Dates", first is not None, _days(first, last) or "None are set", url, "Change")
    zone_chosen = conference.timezone != "UTC" or wizard.was_finished("dates")
    yield _item("Time zone", zone_chosen, conference.timezone, url, "Change", otherwise="look")
    if first is not None:
        end = (last or first) + timedelta(days=2)  # a day's clocks differ by a day around the world
        outside = visible_sessions().filter(
            Q(starts_at__date__lt=first - timedelta(days=1)) | Q(starts_at__date__gt=end - timedelta(days=1))
        )
        count = outside.count()
        yield _item(
            "Sessions within the dates", not count, _how_many(count, "session lies", "sessions lie", "outside of them"),
            reverse("schedule"), "Schedule",
            named=[(one.title, one.get_absolute_url()) for one in outside.order_by("starts_at")[:NAMED]],
        )  # fmt: skip
    readers = "Members only" if conference.members_only else "Everybody"
    yield Item("Who may read", "done", f"{readers}; see that it is meant so", reverse("access_settings"), "Rules")
    for title, words in (("Code of conduct", ("conduct",)), ("Privacy notice", ("privacy", "imprint", "impressum"))):
        said = Q()
        for word in words:
            said |= Q(slug__icontains=word) | Q(title__icontains=word)
        page = Page.objects.filter(said).exclude(body="").first()
        yield _item(
            title, page is not None, page.title if page else "No free page says it",
            page.get_absolute_url() if page else reverse("create", args=["page"]), "Look" if page else "Write one",
            otherwise="todo" if title == "Code of conduct" else "look",
        )  # fmt: skip
    sponsors = Sponsor.objects.count()
    entry = next(entry for entry in menu.entries(Appearance.current()) if entry.what == "sponsors")
    linked = entry.place != "hidden"
    yield _item(
        "Sponsors", linked == bool(sponsors),
        _how_many(sponsors, "sponsor", "sponsors", f"and {'a link' if linked else 'no link'} to their page"),
        reverse("menu_settings"), "Menu", otherwise="look",
    )  # fmt: skip


def _programme() -> Iterator[Item]:
    papers, sessions = visible_papers(), visible_sessions()
    count = papers.count()
    yield _item(
        "Papers", count > 0, _how_many(count, "paper", "papers", "in the programme"), reverse("imports"), "Import"
    )
    in_schedule = sessions.filter(in_schedule=True).count()
    yield _item(
        "Schedule", in_schedule > 0, _how_many(in_schedule, "session", "sessions", "in the schedule"),
        reverse("imports"), "Import",
    )  # fmt: skip
    waiting = Import.objects.filter(state="ready").count()
    yield _item(
        "Imports", not waiting, _how_many(waiting, "import was", "imports were", "read and not applied"),
        reverse("imports"), "Look", otherwise="look",
    )  # fmt: skip
    changes = Edit.objects.filter(state=Edit.State.WAITING).count()
    yield _item(
        "Changes of authors", not changes, _how_many(changes, "change waits", "changes wait", "for a decision"),
        reverse("edits") + "?state=waiting", "Decide",
    )  # fmt: skip
    if count:
        silent = papers.filter(video_file="", video_url="")
        number = silent.count()
        yield _item(
            "Talks", not number, _how_many(number, "paper has", "papers have", "no video"), otherwise="look",
            named=[(one.title, reverse("paper_files", args=[one.uid])) for one in silent.order_by("title")[:NAMED]],
        )  # fmt: skip
        alone = papers.filter(authors=None)
        number = alone.count()
        yield _item(
            "Authors", not number, _how_many(number, "paper names", "papers name", "no author"),
            named=[(one.title, reverse("edit", args=["paper", one.uid])) for one in alone.order_by("title")[:NAMED]],
        )  # fmt: skip


def _people(moment: datetime) -> Iterator[Item]:
    organizers = User.objects.filter(is_organizer=True, is_active=True).count()
    yield _item(
        "Organizers", organizers > 1, _how_many(organizers, "organizer", "organizers", "can change things here"),
        reverse("accounts"), "Accounts", otherwise="look",
    )  # fmt: skip
    rooms = unattended(visible_sessions().filter(in_schedule=True, ends_at__gt=moment)).order_by("starts_at", "title")
    count = rooms.count()
    yield _item(
        "Chairs", not count,
        _how_many(count, "session to come has", "sessions to come have", "nobody who looks after the room"),
        reverse("accounts"), "Hand sessions over", otherwise="look",
        named=[(one.title, one.get_absolute_url()) for one in rooms[:NAMED]],
    )  # fmt: skip
    moderators = Role.objects.filter(kind=Role.Kind.MODERATOR, user__is_active=True).count()
    yield _item(
        "Moderators", moderators > 0, _how_many(moderators, "moderator", "moderators", "besides the organizers"),
        reverse("accounts") + "?show=roles", "Roles", otherwise="look",
    )  # fmt: skip
    conference = Conference.current()
    invited = Invitation.objects.exclude(state=Invitation.State.WAITING).count()
    let_in = conference.open_registration or invited > 0
    seen = "Anybody may make an account" if conference.open_registration else f"{invited:,} invited by mail"
    yield _item("Way in", let_in, seen, reverse("invitations"), "Invitations")
    unlinked = Person.objects.filter(user=None).exclude(email_private="").filter(papers__isnull=False).distinct()
    accounts = User.objects.filter(email=OuterRef("email_private"))
    count = unlinked.filter(Exists(accounts)).count()
    yield _item(
        "Authors and accounts", not count,
        _how_many(count, "author has", "authors have", "an account that is not linked"), reverse("match_authors"), "Link",
    )  # fmt: skip


def _demos() -> Iterator[Item]:
    demos = Demo.objects.filter(enabled=True)
    count = demos.count()
    if not count:
        yield Item("Demos", "look", "None is published", reverse("demos"), "Demos")
        return
    loaded = readiness()["models"]
    seen = f"{loaded.detail[:1].upper()}{loaded.detail[1:]}"
    yield _item("Their models load", loaded.ok, seen[:300], reverse("organize_demos"), "Workers")
    worked = Run.objects.filter(demo=OuterRef("pk"), state=Run.State.SUCCEEDED)
    unseen = demos.filter(~Exists(worked)).order_by("title")
    number = unseen.count()
    yield _item(
        "Tried once", not number, _how_many(number, "demo has", "demos have", f"no run that came to its end, of {count}"),
        otherwise="look", named=[(one.title, one.get_absolute_url()) for one in unseen[:NAMED]],
    )  # fmt: skip
    latest = Run.objects.filter(demo=OuterRef("pk")).order_by("-created_at")
    broken = demos.annotate(latest=latest.values("state")[:1]).filter(latest=Run.State.FAILED).order_by("title")
    number = broken.count()
    yield _item(
        "Last run", not number, _how_many(number, "demo", "demos", "failed when last run"),
        reverse("organize_demos"), "Runs", named=[(one.title, one.get_absolute_url()) for one in broken[:NAMED]],
    )  # fmt: skip


def _site(moment: datetime) -> Iterator[Item]:
    mails = "Mails go out by a server" if settings.EMAIL_URL else "Nothing is sent: mails become files"
    yield _item("Mail", bool(settings.EMAIL_URL), mails, reverse("mail_settings"), "Send one to yourself")
    yield _item("DEBUG", not settings.DEBUG, "On: error pages show settings and code" if settings.DEBUG else "Off")
    latest = BackupMade.objects.first()
    fresh = latest is not None and moment - latest.at < BACKUP_LASTS
    seen = "None was made by manage.py backup"
    if latest is not None:
        seen = f"The last one {latest.at:%-d %b, %H:%M} UTC, {latest.size / 1e6:.1f} MB"
        seen += "" if latest.media else ", without films and posters"
    yield _item("Backup", fresh, seen, otherwise="todo" if latest is None else "look")


def _days(first: object, last: object) -> str:
    return "" if first is None else f"{first}" if last in (None, first) else f"{first} to {last}"


def _how_many(count: int, one: str, many: str, rest: str) -> str:
    return f"{count if count else 'No'} {one if count == 1 else many} {rest}"
