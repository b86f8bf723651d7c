"""What a certificate says, in sentences: the same in the PDF and on the page that confirms it."""

from __future__ import annotations

from datetime import date
from typing import Any


def days_of(facts: dict[str, Any]) -> str:
    """ "Online, 3 to 5 May 2027"; blank where the conference has no days."""
    if not facts["starts_on"]:
        return ""
    first = date.fromisoformat(facts["starts_on"])
    last = date.fromisoformat(facts["ends_on"] or facts["starts_on"])
    if first == last:
        return f"Online, {first:%-d %B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"Online, {first:%-d} to {last:%-d %B %Y}"
    return f"Online, {first:%-d %B %Y} to {last:%-d %B %Y}"


def lines_of(facts: dict[str, Any]) -> list[str]:
    lines = []
    if facts["attended"]:
        lines.append(f"attended {facts['conference']}.")
    if facts["organizer"]:
        lines.append("was one of its organizers.")
    if facts["sessions"]:
        lines.append(f"chaired {_listed(facts['sessions'], facts['more_sessions'], 'session')}.")
    if facts["papers"]:
        lines.append(f"is an author of {_listed(facts['papers'], facts['more_papers'], 'paper')}.")
    return lines


def _listed(titles: list[str], more: int, what: str) -> str:
    quoted = [f"“{' '.join(title.split())}”" for title in titles]
    if more:
        return f"{', '.join(quoted)} and {more} more {what}{'s' if more > 1 else ''}"
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
