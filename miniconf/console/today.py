"""What an organizer needs to know at this moment: what runs, what comes, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from chat.links import permalink
from chat.models import InboundMail, Message, Report
from chat.titles import titles_of
from demos import queue
from demos.models import Run
from miniconf.health import readiness
from miniconf.live import BrokerDown
from miniconf.people.models import Invitation, Role
from papers.models import Edit, Import, Person, Session
from papers.queries import visible_sessions

LINES = 8
AHEAD = timedelta(hours=24)
BUSY = 30  # messages in an hour


@dataclass(frozen=True)
class Waiting:
    """Something that waits for an organizer: how many, of what, where."""

    count: int
    what: str
    url: str


@dataclass(frozen=True)
class Today:
    running: list[Session]
    coming: list[Session]
    unattended: list[Session]  # running or within a day, with nobody who looks after the room
    questions: list[dict[str, Any]]
    questions_count: int
    waiting: list[Waiting] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)  # parts of the site that do not work
    demos: dict[str, int] = field(default_factory=dict)


def today(moment: datetime) -> Today:
    """Costs the same however large the conference is: every list is cut."""
    sessions = visible_sessions().filter(in_schedule=True).select_related("event", "track")
    soon = sessions.filter(ends_at__gt=moment, starts_at__lt=moment + AHEAD).order_by("starts_at", "title")
    open_questions = Message.objects.filter(asked=Message.Asked.OPEN, deleted_at=None, hidden_at=None)
    return Today(
        running=list(sessions.filter(starts_at__lte=moment, ends_at__gt=moment).order_by("ends_at", "title")[:LINES]),
        coming=list(sessions.filter(starts_at__gt=moment).order_by("starts_at", "title")[:LINES]),
        unattended=list(unattended(soon)[:LINES]),
        questions=_questions(open_questions),
        questions_count=open_questions.count(),
        waiting=[line for line in _waiting(moment) if line.count],
        broken={name.replace("_", " "): check.detail for name, check in readiness().items() if not check.ok},
        demos=_demos(moment),
    )


def unattended(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Those whose room nobody with an account looks after."""
    looked_after = Role.objects.filter(kind=Role.Kind.CHAIR, key=OuterRef("uid"))
    chairs = Person.objects.filter(chaired_sessions=OuterRef("pk"), user__isnull=False)
    return sessions.exclude(Exists(looked_after)).exclude(Exists(chairs)).exclude(kind=Session.Kind.BREAK)


def _questions(open_questions: Any) -> list[dict[str, Any]]:
    """Those that most people want an answer to, the oldest of them first."""
    rows = list(open_questions.select_related("author", "room").order_by("-votes", "created_at")[:LINES])
    titles = titles_of(row.room.key for row in rows)
    return [{"message": row, "room": titles.get(row.room.key), "url": permalink(row, row.room.key)} for row in rows]


def _waiting(moment: datetime) -> list[Waiting]:
    yesterday = moment - timedelta(days=1)
    return [
        Waiting(
            Report.objects.filter(state=Report.State.OPEN).count(),
            "messages were reported",
            reverse("moderation_reports"),
        ),
        Waiting(
            Edit.objects.filter(state=Edit.State.WAITING).count(),
            "changes of authors wait for you",
            reverse("edits") + "?state=waiting",
        ),
        Waiting(Import.objects.filter(state="ready").count(), "imports were read and not applied", reverse("imports")),
        Waiting(
            Invitation.objects.filter(state=Invitation.State.FAILED).count(),
            "invitations were refused or came back",
            reverse("invitations") + "?state=failed",
        ),
        Waiting(
            Invitation.objects.filter(due=True).exclude(error="").count(),
            "invitations cannot be sent just now",
            reverse("invitations"),
        ),
        Waiting(
            InboundMail.objects.filter(received_at__gt=yesterday, message=None).count(),
            "mails that came in were refused since yesterday",
            reverse("moderation"),
        ),
        Waiting(
            Run.objects.filter(created_at__gt=yesterday, state__in=[Run.State.FAILED, Run.State.EXPIRED]).count(),
            "runs of demos failed since yesterday",
            reverse("organize_demos"),
        ),
    ]


def _demos(moment: datetime) -> dict[str, int]:
    hour = Run.objects.filter(created_at__gt=moment - timedelta(hours=1))
    try:
        return {"waiting": queue.waiting(), "workers": len(queue.workers()), "last_hour": hour.count()}
    except BrokerDown:
        return {"waiting": 0, "workers": 0, "last_hour": hour.count()}
