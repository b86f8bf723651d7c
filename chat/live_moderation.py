"""Commands of members who report and of moderators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from miniconf.accounts.models import User
from miniconf.live.protocol import Number
from miniconf.live.registry import LiveError, command

from . import moderation
from .live import OneMessage

LONGEST_MINUTES = int(moderation.LONGEST_SANCTION / timedelta(minutes=1))


class Judge(OneMessage):
    reason: str = Field(default="", max_length=moderation.LONGEST_REASON)


class Hide(Judge):
    on: bool = True


@command("chat.report", Judge)
def report(user: Any, payload: Judge) -> dict[str, Any]:
    """`hidden`: enough people have reported it."""
    return {"hidden": moderation.report_message(user=user, message_id=payload.message, reason=payload.reason)}


@command("chat.hide", Hide)
def hide(user: Any, payload: Hide) -> dict[str, Any]:
    if payload.on:
        return {"event": moderation.hide_message(user=user, message_id=payload.message, reason=payload.reason)}
    return {"event": moderation.show_message(user=user, message_id=payload.message)}


@command("chat.dismiss", OneMessage)
def dismiss(user: Any, payload: OneMessage) -> dict[str, Any]:
    """The message may stand. `event` is null where it stood."""
    return {"event": moderation.dismiss_reports(user=user, message_id=payload.message)}


@command("chat.remove", Judge)
def remove(user: Any, payload: Judge) -> dict[str, Any]:
    return {"event": moderation.remove_message(user=user, message_id=payload.message, reason=payload.reason)}


class MakeSanction(BaseModel):
    model_config = ConfigDict(extra="forbid")

    person: UUID
    kind: Literal["mute", "ban"]
    room: str = Field(default="", max_length=200)
    minutes: int | None = Field(default=None, ge=1, le=LONGEST_MINUTES, strict=True)
    reason: str = Field(default="", max_length=moderation.LONGEST_REASON)


@command("chat.sanction", MakeSanction)
def sanction(user: Any, payload: MakeSanction) -> dict[str, Any]:
    about = User.objects.filter(public_id=payload.person).first()
    if about is None:
        raise LiveError("not_found", "There is no such person.")
    made = moderation.sanction(
        user=user,
        about=about,
        kind=payload.kind,
        room_key=payload.room,
        lasts=timedelta(minutes=payload.minutes) if payload.minutes else None,
        reason=payload.reason,
    )
    return {"sanction": made.pk, "until": made.until.isoformat(timespec="seconds") if made.until else None}


class Lift(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sanction: Number


@command("chat.lift", Lift)
def lift(user: Any, payload: Lift) -> dict[str, Any]:
    return {"sanction": moderation.lift(user=user, sanction_id=payload.sanction).pk}


class SetRoom(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    locked: bool | None = None
    slow_seconds: int | None = Field(default=None, ge=0, le=moderation.LONGEST_SLOW, strict=True)


@command("chat.set_room", SetRoom)
def set_room(user: Any, payload: SetRoom) -> dict[str, Any]:
    row = moderation.set_room(
        user=user, room_key=payload.room, locked=payload.locked, slow_seconds=payload.slow_seconds
    )
    return {"room": row.key, "locked": row.locked, "slow_seconds": row.slow_seconds}
