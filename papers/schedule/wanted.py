"""What a viewer asks the schedule for, as the address has it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from miniconf.permissions import Viewer, is_member
from papers.models import Bookmark, Session
from papers.queries import visible_sessions

VIEWS = {"day": "Day", "week": "Week", "agenda": "Agenda", "print": "Print"}
KINDS = {
    "poster": "Posters", "oral": "Orals", "qa": "Q&A", "keynote": "Keynotes", "tutorial": "Tutorials",
    "workshop": "Workshops", "social": "Socials", "mentoring": "Mentoring", "plenary": "Plenaries",
    "sponsor": "Sponsors", "break": "Breaks", "other": "Other",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """View, day and filters. A blank view is the browser's to choose: the day, or the agenda on a phone."""

    view: str = ""
    day: dt.date | None = None
    kinds: tuple[str, ...] = ()
    track: str = ""
    bookmarked: bool = False
    page: int = 1

    @property
    def shown_view(self) -> str:
        return self.view or "day"

    @property
    def filtered(self) -> bool:
        return bool(self.kinds or self.track or self.bookmarked)

    def address(self, **changes: Any) -> str:
        """The query string of the same with some changes; from the first page unless they name one."""
        other = replace(self, **{"page": 1, **changes})
        pairs: list[tuple[str, str]] = []
        if other.view:
            pairs.append(("view", other.view))
        if other.day:
            pairs.append(("day", other.day.isoformat()))
        pairs += [("kind", kind) for kind in other.kinds]
        if other.track:
            pairs.append(("track", other.track))
        if other.bookmarked:
            pairs.append(("bookmarked", "1"))
        if other.page > 1:
            pairs.append(("page", str(other.page)))
        return f"?{urlencode(pairs)}" if pairs else "?"


def read_wanted(query: QueryDict) -> Wanted:
    """What makes no sense is left out, so that a mistyped address shows the schedule all the same."""
    asked = set(query.getlist("kind"))
    view, track, page = query.get("view", ""), query.get("track", ""), query.get("page", "")
    return Wanted(
        view=view if view in VIEWS else "",
        day=_date(query.get("day", "")),
        kinds=tuple(kind for kind in KINDS if kind in asked),
        track=track if len(track) <= 80 and "\0" not in track else "",
        bookmarked=query.get("bookmarked", "") == "1",
        page=int(page) if page.isascii() and page.isdigit() and 1 <= int(page[:9]) <= 1000 else 1,
    )


def _date(text: str) -> dt.date | None:
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return date if 1900 <= date.year <= 2200 else None  # a zone can move it by a day without leaving the calendar


def scheduled_sessions() -> QuerySet[Session]:
    """Everything the schedule shows: not withdrawn, and no item of a workshop's own timetable."""
    return visible_sessions().filter(in_schedule=True)


def wanted_sessions(wanted: Wanted, user: Viewer) -> QuerySet[Session]:
    """What passes the filters. Visitors' bookmarks are in their browser, which filters by them itself."""
    sessions = scheduled_sessions()
    if wanted.kinds:
        sessions = sessions.filter(kind__in=wanted.kinds)
    if wanted.track:
        sessions = sessions.filter(track__slug=wanted.track)
    if wanted.bookmarked and is_member(user):
        marks = Bookmark.objects.filter(user=user)
        sessions = sessions.filter(
            Q(pk__in=marks.exclude(session=None).values("session_id"))
            | Q(event_id__in=marks.exclude(event=None).values("event_id"))
        )
    return sessions
