"""Order in a room: who may read and write just now, which words are not taken, and the record of what moderators do."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache, partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.closing import rooms
from miniconf.live import BrokerDown, Event, publish
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_moderate, is_member

from .models import BlockedWord, Message, ModerationAct, Report, Room, Sanction
from .rooms import RoomInfo

logger = logging.getLogger(__name__)

EVERYWHERE = "*"  # among the rooms somebody is banned from: all of them
MOST_WORDS = 500
MOST_BANS = 1000


# --- Who may read and write ------------------------------------------------------------------------------------------


def in_force() -> QuerySet[Sanction]:
    return Sanction.objects.filter(Q(until=None) | Q(until__gt=now()), lifted_at=None)


def sanctions_of(user: User, room: RoomInfo) -> QuerySet[Sanction]:
    """What is in force against somebody in a room."""
    return in_force().filter(Q(room=None) | Q(room__key=room.key), user=user)


def banned_rooms(user: Viewer) -> frozenset[str]:
    """Keys of the rooms that somebody may not read now; EVERYWHERE among them where it is all. One query."""
    if not is_member(user):
        return frozenset()
    bans = in_force().filter(user=user, kind=Sanction.Kind.BAN).values_list("room__key", flat=True)
    return frozenset(key or EVERYWHERE for key in bans[:MOST_BANS])


def check_reader(user: Viewer, room: RoomInfo) -> None:
    """Raises LiveError "banned" for somebody who may not even read here."""
    if not is_member(user):
        return
    ban = longest(sanctions_of(user, room).filter(kind=Sanction.Kind.BAN))
    if ban is not None:
        where = "this room" if ban.room_id else "all rooms"
        raise LiveError("banned", f"You have been banned from {where}{_until(ban)}{_because(ban)}", **_end(ban))


def check_writer(user: User, room: RoomInfo) -> None:
    """Raises LiveError "muted", "locked" or "slow_mode"; moderators write always."""
    if can_moderate(user, room.key):
        return
    muted = longest(sanctions_of(user, room))
    if muted is not None:
        where = "here" if muted.room_id else "in any room"
        raise LiveError("muted", f"You cannot write {where}{_until(muted)}{_because(muted)}", **_end(muted))
    if rooms.are_closed():
        raise LiveError("locked", rooms.CLOSED)
    row = Room.objects.filter(key=room.key).only("locked", "slow_seconds").first()
    if row is None:
        return
    if row.locked:
        raise LiveError("locked", "This room is closed: it can be read, and only moderators write.")
    if row.slow_seconds:
        last = (
            Message.objects.filter(room=row, author=user)
            .order_by("-number")
            .values_list("created_at", flat=True)
            .first()
        )
        wait = row.slow_seconds - (now() - last).total_seconds() if last else 0
        if wait > 0:
            seconds = round(wait) or 1
            raise LiveError("slow_mode", f"This room is slow: please wait {seconds} seconds.", retry_after=seconds)


def check_not_over(user: User, room: RoomInfo) -> None:
    """Raises LiveError "locked" when all rooms were closed at the end: nothing is counted then any longer."""
    if not can_moderate(user, room.key) and rooms.are_closed():
        raise LiveError("locked", rooms.CLOSED)


def longest(sanctions: Iterable[Sanction]) -> Sanction | None:
    """The one that ends last: what somebody who is refused has to wait for."""
    latest = datetime.max.replace(tzinfo=UTC)
    return max(sanctions, key=lambda sanction: sanction.until or latest, default=None)


def _until(sanction: Sanction) -> str:
    return f" until {sanction.until.astimezone(UTC):%-d %b, %H:%M} UTC" if sanction.until else ""


def _because(sanction: Sanction) -> str:
    return f": {sanction.reason.rstrip('.')}." if sanction.reason else ". The organizers can tell you why."


def _end(sanction: Sanction) -> dict[str, str | None]:
    """For clients that show times in their reader's zone."""
    return {"until": sanction.until.astimezone(UTC).isoformat(timespec="seconds") if sanction.until else None}


def tell_person(user: User, text: str, **more: str | int) -> None:
    """After the commit: show a sentence on the open pages of somebody whom an act concerns."""
    event = {"type": "notice", "text": text, **more}
    transaction.on_commit(partial(tell_topic, f"inbox:{user.public_id}", event))


def tell_topic(topic: str, event: Event) -> None:
    """Tell whoever follows a topic something that is not numbered; nobody, while the broker is away."""
    try:
        publish(topic, [event])
    except BrokerDown:
        logger.warning("Nobody following %s is told: the broker is away", topic)


# --- Words -----------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text as words are looked for in it: one spelling of each letter, nothing invisible in between."""
    spelled = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in spelled if unicodedata.category(sign) != "Cf").casefold()


@lru_cache(maxsize=2 * MOST_WORDS)
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(plain(word))}(?!\w)")


def blocked_words(text: str) -> list[BlockedWord]:
    """The words of the list that stand in a text, as whole words in any case; those that are refused first."""
    searched = plain(text)
    found = [
        blocked
        for blocked in BlockedWord.objects.order_by("word")[:MOST_WORDS]
        if _pattern(blocked.word).search(searched)
    ]
    return sorted(found, key=lambda blocked: blocked.effect != BlockedWord.Effect.REFUSE)


def check_words(text: str) -> list[str]:
    """Words in the text that moderators want to hear of. Raises LiveError "blocked_word" for those that are refused."""
    found = blocked_words(text)
    if found and found[0].effect == BlockedWord.Effect.REFUSE:
        raise LiveError("blocked_word", f"This conference does not take messages with the word “{found[0].word}”.")
    return [blocked.word for blocked in found]


def report_words(message: Message, words: list[str]) -> None:
    """Tell moderators of a message, once for as long as nobody has looked at it."""
    reason = f"Has the word “{words[0]}”"[:500]
    if not message.reports.filter(reporter=None, state=Report.State.OPEN).exists():
        Report.objects.create(message=message, reporter=None, reason=reason)


# --- The record ------------------------------------------------------------------------------------------------------


def record_act(
    *,
    actor: Viewer | None,
    action: str,
    room_key: str = "",
    message: Message | None = None,
    about: User | None = None,
    note: str = "",
) -> ModerationAct:
    """Write down what was done, in the transaction that does it. No `actor`: the site itself, by its rules."""
    return ModerationAct.objects.create(
        actor=actor if isinstance(actor, User) else None,
        action=action,
        room_key=room_key or (message.room.key if message else ""),
        message=message,
        about=about or (message.author if message else None),
        note=note[:500],
    )
