"""What moderators look at: messages of all rooms as they come, reports with what stands around them, who is sanctioned,
the record. Everything is cut or paged, and costs the same however much was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.permissions import Viewer, can_judge, can_moderate

from .models import Message, ModerationAct, Report, Room
from .rooms import RoomInfo
from .titles import RoomTitle, titles_of

LINES = 50
AROUND = 3  # messages before and after a reported one
LOOKED_AT = 2000  # the newest messages, from which "most active" is counted
MOST_ROOMS = 12
ACTIVE = timedelta(hours=24)
SHOWS = {"all": "All", "reported": "Reported", "questions": "Questions", "open": "Open questions", "hidden": "Hidden"}


@dataclass(frozen=True, slots=True)
class Line:
    """A message as moderators see it, with what they may do about it."""

    message: Message
    room: RoomTitle | None  # None: what it hung on is gone
    reports: Sequence[Report] = ()
    may_judge: bool = False
    may_delete: bool = False
    chosen: bool = False  # the one in the middle of its context

    @property
    def open_reports(self) -> list[Report]:
        return [report for report in self.reports if report.state == Report.State.OPEN]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages of the stream; what makes no sense is not asked for."""

    show: str = "all"
    room: str = ""
    person: UUID | None = None

    def messages(self) -> QuerySet[Message]:
        found = Message.objects.select_related("author", "room", "thread").order_by("-pk")
        if self.show == "reported":
            found = found.filter(Exists(Report.objects.filter(message=OuterRef("pk"), state=Report.State.OPEN)))
        elif self.show == "questions":
            found = found.exclude(asked=Message.Asked.NO)
        elif self.show == "open":
            found = found.filter(asked=Message.Asked.OPEN, deleted_at=None, hidden_at=None)
        elif self.show == "hidden":
            found = found.filter(hidden_at__isnull=False)
        if self.room:
            found = found.filter(room__key=self.room)
        if self.person:
            found = found.filter(author__public_id=self.person)
        return found


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of the stream, the newest first, and where further ones begin."""

    lines: list[Line]
    earlier: int | None  # pk before which there are more

    @property
    def newest(self) -> int:
        return self.lines[0].message.pk if self.lines else 0


def stream(user: Viewer, wanted: Wanted, *, before: int | None = None, after: int | None = None) -> Piece:
    """The newest messages, those before one, or the oldest of those after one."""
    found = wanted.messages()
    if after is not None:
        return Piece(lines_of(user, list(found.filter(pk__gt=after).order_by("pk")[:LINES])[::-1]), None)
    if before is not None:
        found = found.filter(pk__lt=before)
    messages = list(found[: LINES + 1])
    earlier = messages[LINES - 1].pk if len(messages) > LINES else None
    return Piece(lines_of(user, messages[:LINES]), earlier)


def lines_of(user: Viewer, messages: Sequence[Message], room: RoomInfo | None = None) -> list[Line]:
    """`room`: the one all of them are in, for whoever is a moderator only there."""
    titles = titles_of(message.room.key for message in messages)
    reports: dict[int, list[Report]] = {}
    for report in Report.objects.filter(message__in=messages).select_related("reporter").order_by("pk")[:1000]:
        reports.setdefault(report.message_id, []).append(report)
    author_ids = room.author_ids if room else frozenset()
    return [
        Line(
            message,
            titles.get(message.room.key),
            reports.get(message.pk, ()),
            may_judge=can_judge(user, message.room.key, author_ids, message.author_id),
            may_delete=can_moderate(user, message.room.key),
        )
        for message in messages
    ]


# --- Reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """A reported message between the lines around it."""

    line: Line
    before: list[Message]
    after: list[Message]


def reported(*, room: str = "", settled: bool = False) -> QuerySet[Message]:
    """Messages with reports that wait, those that most people have reported first, then the longest waiting; or messages
    whose reports are settled, the latest first."""
    waiting = Q(reports__state=Report.State.OPEN)
    found = Message.objects.select_related("author", "room", "thread")
    if room:
        found = found.filter(room__key=room)
    if settled:
        waits = Report.objects.filter(message=OuterRef("pk"), state=Report.State.OPEN)
        return found.filter(~Exists(waits), Exists(Report.objects.filter(message=OuterRef("pk")))).order_by("-pk")
    counted = found.filter(waiting).annotate(people=Count("reports"), since=Min("reports__created_at"))
    return counted.order_by("-people", "since")


def cards(user: Viewer, messages: Sequence[Message], room: RoomInfo | None = None) -> list[Card]:
    return [Card(line, *around(line.message)) for line in lines_of(user, messages, room)]


def around(message: Message) -> tuple[list[Message], list[Message]]:
    """What stands before and after a message where it is read: in its thread, or among what is no reply."""
    if message.thread_id:
        near = Message.objects.filter(Q(thread=message.thread_id) | Q(pk=message.thread_id))
    else:
        near = Message.objects.filter(room=message.room_id, thread=None)
    near = near.select_related("author")
    before = near.filter(number__lt=message.number).order_by("-number")[:AROUND]
    after = near.filter(number__gt=message.number).order_by("number")[:AROUND]
    return list(before)[::-1], list(after)


# --- Rooms -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ActiveRoom:
    room: RoomTitle
    row: Room
    messages: int
    people: set[int] = field(default_factory=set)
    open_questions: int = 0
    reports: int = 0


def active_rooms() -> list[ActiveRoom]:
    """Rooms with the most messages of the last day, as far as the newest LOOKED_AT messages go back."""
    newest = Message.objects.order_by("-pk").values_list("room_id", "author_id", "created_at")[:LOOKED_AT]
    recent = [(room, author) for room, author, at in newest if at >= now() - ACTIVE]
    most = Counter(room for room, _ in recent).most_common(MOST_ROOMS)
    rows = Room.objects.in_bulk([room for room, _ in most])
    titles = titles_of(row.key for row in rows.values())
    found = {
        pk: ActiveRoom(
            titles[rows[pk].key], rows[pk], count, {author for room, author in recent if room == pk and author}
        )
        for pk, count in most
        if pk in rows and rows[pk].key in titles
    }
    standing = Message.objects.filter(room__in=found, deleted_at=None, hidden_at=None).order_by()
    for pk, count in standing.filter(asked=Message.Asked.OPEN).values_list("room_id").annotate(Count("pk")):
        found[pk].open_questions = count
    waiting = Report.objects.filter(state=Report.State.OPEN, message__room__in=found).order_by()
    for pk, count in waiting.values_list("message__room_id").annotate(Count("message", distinct=True)):
        found[pk].reports = count
    return list(found.values())


# --- People and the record -------------------------------------------------------------------------------------------


def find_people(text: str, *, limit: int = 30) -> list[User]:
    """By a part of the name, or by the whole address; those with messages first. Of no text, who wrote last."""
    text = " ".join(text.replace("\x00", "").split())[:120]
    if not text:
        newest = Message.objects.exclude(author=None).order_by("-pk").values_list("author_id", flat=True)[:500]
        ids = list(dict.fromkeys(newest))[:limit]
        people = User.objects.in_bulk(ids)
        return [people[pk] for pk in ids if pk in people]
    fitting = Q(name__icontains=text) | Q(email__iexact=text)
    wrote = Exists(Message.objects.filter(author=OuterRef("pk")))
    return list(User.objects.filter(fitting).annotate(wrote=wrote).order_by("-wrote", "name", "pk")[:limit])


def record(*, action: str = "", room: str = "", person: UUID | None = None) -> QuerySet[ModerationAct]:
    """What was done, the latest first: acts of one kind, in a room, by or about somebody."""
    found = ModerationAct.objects.select_related("actor", "about", "message", "message__room", "message__thread")
    if action:
        found = found.filter(action=action)
    if room:
        found = found.filter(room_key=room)
    if person:
        found = found.filter(Q(actor__public_id=person) | Q(about__public_id=person))
    return found
