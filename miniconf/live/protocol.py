"""What clients may send over the websocket, with bounds on every field. See docs/protocol.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

LARGEST_FRAME = 32 * 1024  # bytes
LARGEST_NUMBER = 2**53 - 1  # what JavaScript counts exactly

Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER, strict=True)]
TopicName = Annotated[str, Field(min_length=3, max_length=300)]


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Number


class Subscribe(_Frame):
    do: Literal["subscribe"]
    topic: TopicName
    after: Number | None = None


class Unsubscribe(_Frame):
    do: Literal["unsubscribe"]
    topic: TopicName


class Run(_Frame):
    do: str = Field(pattern=r"^[a-z_]{1,30}\.[a-z_]{1,30}$")
    payload: dict[str, Any] = {}


def _kind(frame: Any) -> str:
    do = frame.get("do") if isinstance(frame, dict) else None
    return do if do in ("subscribe", "unsubscribe") else "run"


client_frame: TypeAdapter[Subscribe | Unsubscribe | Run] = TypeAdapter(
    Annotated[
        Annotated[Subscribe, Tag("subscribe")]
        | Annotated[Unsubscribe, Tag("unsubscribe")]
        | Annotated[Run, Tag("run")],
        Discriminator(_kind),
    ]
)
