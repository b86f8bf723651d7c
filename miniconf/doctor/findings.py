"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "advice", "fault"]


@dataclass(frozen=True)
class Finding:
    """`fault`: something does not work; `advice`: it works, but not as a conference for others should."""

    subject: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def ok(subject: str, seen: str) -> Finding:
    return Finding(subject, "ok", seen)


def advice(subject: str, seen: str, remedy: str) -> Finding:
    return Finding(subject, "advice", seen, remedy)


def fault(subject: str, seen: str, remedy: str) -> Finding:
    return Finding(subject, "fault", seen, remedy)
