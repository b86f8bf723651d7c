"""What can be followed and commanded over the websocket. Apps register theirs in their own `live.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from pydantic import BaseModel, ValidationError

from . import Event

Viewer = AbstractBaseUser | AnonymousUser


class LiveError(Exception):
    """Why something was refused: a code for programs, a sentence for people, more fields where they help."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, **self.details}


class TopicKind(Protocol):
    """A kind of topic. Both methods are synchronous and may use the database."""

    def authorize(self, user: Any, key: str) -> None:
        """Raises LiveError where `user` may not follow this topic or there is no such thing."""

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        """The logged events after number `after`, ascending; with None, what a new viewer starts with.

        One read may serve several viewers who have seen the same, so the events are the same for everybody.
        It ends with the topic's newest number.
        """


def newest_of(kind: TopicKind, keys: list[str]) -> dict[str, int]:
    """The number of the newest event of each topic, from kinds that can tell with one query (`newest`); synchronous."""
    newest: Callable[[list[str]], dict[str, int]] | None = getattr(kind, "newest", None)
    return newest(keys) if newest is not None else {}


@dataclass(frozen=True)
class Command:
    payload: type[BaseModel]
    run: Callable[[Any, Any], dict[str, Any]]


Kind = TypeVar("Kind", bound=type)
Run = TypeVar("Run", bound=Callable[..., dict[str, Any]])

_kinds: dict[str, TopicKind] = {}
_commands: dict[str, Command] = {}
_TOPIC = re.compile(r"([a-z_]{1,30}):([^\x00-\x1f\x7f]{1,250})")


def topic_kind(name: str) -> Callable[[Kind], Kind]:
    """Class decorator: topics `name:<key>` are answered by an instance of this class."""

    def register(kind: Kind) -> Kind:
        _kinds[name] = kind()
        return kind

    return register


def command(name: str, payload: type[BaseModel]) -> Callable[[Run], Run]:
    """Function decorator: `{"do": name, "payload": ...}` calls it with the user and the validated payload."""

    def register(run: Run) -> Run:
        _commands[name] = Command(payload, run)
        return run

    return register


def find_topic(topic: str) -> tuple[TopicKind, str]:
    """Kind and key of a topic."""
    match = _TOPIC.fullmatch(topic)
    if match is None or match[1] not in _kinds:
        raise LiveError("unknown_topic", f"There is no topic “{topic[:80]}”.")
    return _kinds[match[1]], match[2]


def run_command(user: Viewer, name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Validate the payload of a command and carry it out; synchronous."""
    found = _commands.get(name)
    if found is None:
        raise LiveError("unknown_command", f"There is no command “{name[:80]}”.")
    try:
        valid = found.payload.model_validate(payload)
    except ValidationError as error:
        raise LiveError("invalid", f"{name}: {sentence_of(error)}") from error
    return found.run(user, valid)


def sentence_of(error: ValidationError) -> str:
    """The first thing wrong, as a sentence that names the field."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"“{where}”: {first['msg']}." if where else f"{first['msg']}."
