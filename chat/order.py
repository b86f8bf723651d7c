"""Order in a room: who may read and write just now, which words are not taken."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_moderate, is_member

from .models import BlockedWord, Message, Report, Room, Sanction
from .rooms import RoomInfo


def sanctions_of(user: User, room: RoomInfo) -> QuerySet[Sanction]:
    """What is in force against somebody in a room."""
    in_force = Q(until=None) | Q(until__gt=now())
    here = Q(room=None) | Q(room__key=room.key)
    return Sanction.objects.filter(in_force, here, user=user, lifted_at=None)


def check_reader(user: Viewer, room: RoomInfo) -> None:
    """Raises LiveError "banned" for somebody who may not even read here."""
    if is_member(user) and sanctions_of(user, room).filter(kind=Sanction.Kind.BAN).exists():
        raise LiveError("banned", "You have been banned from this room. The organizers can tell you why.")


def check_writer(user: User, room: RoomInfo) -> None:
    """Raises LiveError "muted", "locked" or "slow_mode"; moderators write always."""
    if can_moderate(user, room.key):
        return
    muted = sanctions_of(user, room).order_by("until").first()
    if muted is not None:
        until = f" until {muted.until:%d %b, %H:%M} UTC" if muted.until else ""
        raise LiveError("muted", f"You cannot write here{until}: {muted.reason or 'a moderator has muted you'}.")
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


def check_words(text: str) -> list[str]:
    """Words in the text that moderators want to hear of. Raises LiveError "blocked_word" for those that are refused."""
    found: dict[str, Any] = {}
    for blocked in BlockedWord.objects.all()[:500]:
        if re.search(rf"(?<!\w){re.escape(blocked.word)}(?!\w)", text, re.IGNORECASE):
            found[blocked.word] = blocked.effect
    refused = [word for word, effect in found.items() if effect == BlockedWord.Effect.REFUSE]
    if refused:
        raise LiveError("blocked_word", f"This conference does not take messages with the word “{refused[0]}”.")
    return list(found)


def report_words(message: Message, words: list[str]) -> None:
    Report.objects.create(message=message, reporter=None, reason=f"Has the word “{words[0]}”"[:500])
