"""What is unread in all rooms of somebody, and where most is going on now; a few queries, however many rooms there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from miniconf.accounts.models import User
from papers.queries import visible_papers

from .models import Follow, Message, ReadMark, Room
from .order import EVERYWHERE, banned_rooms
from .titles import RoomTitle, titles_of

MOST_ROOMS = 300
MOST_ACTIVE = 8
ACTIVE_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RoomLine:
    """One room in the overview."""

    room: RoomTitle
    row: Room
    own: bool  # the room of a paper of one's own
    followed: bool
    unread: int
    recent: int = 0  # messages of the last hour


@dataclass(slots=True)
class Overview:
    own: list[RoomLine]
    others: list[RoomLine]
    active: list[RoomLine]

    @property
    def unread(self) -> int:
        return sum(line.unread for line in (*self.own, *self.others))


def overview(user: User) -> Overview:
    """One's papers' rooms, then those one has read, written in or follows, each with what others wrote since; and the
    rooms with the most messages of the last hour."""
    own = own_room_keys(user)
    levels = dict(Follow.objects.filter(user=user, thread=None).values_list("room_id", "level"))
    silent = [pk for pk, level in levels.items() if level == Follow.Level.NONE]
    mine = Room.objects.filter(
        Q(key__in=own)
        | Q(pk__in=levels)
        | Q(pk__in=ReadMark.objects.filter(user=user).values("room"))
        | Q(pk__in=Message.objects.filter(author=user).values("room"))
    )
    mine = mine.exclude(pk__in=silent).exclude(last_message_at=None).exclude(_banned(user))
    rows = list(mine.order_by("-last_message_at")[:MOST_ROOMS])
    recent = _recent(user)
    rooms = titles_of(row.key for row in (*rows, *(row for row, _ in recent)))
    counts = unread_counts(user, rows)
    busy = {row.pk: count for row, count in recent}

    def line(row: Room) -> RoomLine:
        followed = levels.get(row.pk) == Follow.Level.ALL
        return RoomLine(rooms[row.key], row, row.key in own, followed, counts.get(row.pk, 0), busy.get(row.pk, 0))

    lines = [line(row) for row in rows if row.key in rooms]
    lines.sort(key=lambda shown: shown.unread == 0)  # a stable sort: the newest first within both
    return Overview(
        own=[shown for shown in lines if shown.own],
        others=[shown for shown in lines if not shown.own],
        active=[line(row) for row, _ in recent if row.key in rooms][:MOST_ACTIVE],
    )


def own_room_keys(user: User) -> set[str]:
    papers = visible_papers().filter(Q(authors__user=user) | Q(representatives=user))
    return {f"paper:{uid}" for uid in papers.values_list("uid", flat=True).distinct()[:MOST_ROOMS]}


def unread_counts(user: User, rooms: list[Room]) -> dict[int, int]:
    """How many messages of others stand behind what `user` has seen, by room; rooms without any are left out."""
    mark = ReadMark.objects.filter(user=user, room=OuterRef("room")).values("number")
    unread = standing().filter(room__in=rooms, number__gt=Coalesce(Subquery(mark), 0)).exclude(author=user)
    return dict(unread.order_by().values_list("room_id").annotate(Count("pk")))


def standing() -> QuerySet[Message]:
    return Message.objects.filter(deleted_at=None, hidden_at=None)


def _recent(user: User) -> list[tuple[Room, int]]:
    """Rooms with messages of the last hour and how many, the liveliest first."""
    since = now() - ACTIVE_FOR
    messages = Count("messages", filter=Q(messages__created_at__gt=since, messages__deleted_at=None))
    rooms = Room.objects.filter(last_message_at__gt=since).exclude(_banned(user)).annotate(recent=messages)
    rooms = rooms.filter(recent__gt=0).order_by("-recent", F("last_message_at").desc())
    return [(room, room.recent) for room in rooms[: 2 * MOST_ACTIVE]]  # some may hang on nothing any more


def _banned(user: User) -> Q:
    """Rooms that `user` may not read."""
    keys = banned_rooms(user)
    return Q(pk__isnull=False) if EVERYWHERE in keys else Q(key__in=keys)
