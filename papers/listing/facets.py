"""What the list's form offers. Counted once a minute in each process, at once after a change that this process made."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from papers.models import Keyword, Paper, Presentation, Session, Track
from papers.queries import visible_papers, visible_sessions
from papers.signals import programme_changed

SECONDS = 60.0
MOST_TRACKS, MOST_KEYWORDS, MOST_SESSIONS, MOST_NAMES = 200, 200, 300, 50
_SHOWN = Q(papers__withdrawn_at=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` in an address, `label` in the form, and how many papers there are."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Choices:
    """Everything that has papers, bounded so that the page stays small."""

    tracks: list[Choice]
    sessions: list[Choice]
    kinds: list[Choice]
    programs: list[Choice]
    keywords: list[str]  # the most frequent ones
    starts: list[dt.datetime]  # distinct times at which papers are presented
    _days: dict[str, list[dt.date]] = field(default_factory=dict)
    _options: dict[str, SafeString] = field(default_factory=dict)

    def options(self, name: str, chosen: str = "") -> SafeString:
        """The options of a select: hundreds, which are the same for everybody but for the chosen one.

        One that is not offered, because the list is cut or nothing has it any more, is added so that it stays in force.
        """
        if name not in self._options:
            rows = getattr(self, name)
            self._options[name] = format_html_join(
                "", '<option value="{}">{} ({})</option>', ((row.value, row.label, row.count) for row in rows)
            )
        html = self._options[name]
        if not chosen:
            return html
        option = format_html('<option value="{}"', chosen)
        if option in html:
            return SafeString(html.replace(option, f"{option} selected", 1))
        return html + format_html('<option value="{0}" selected>{0}</option>', chosen)

    @cached_property
    def keyword_options(self) -> SafeString:
        return format_html_join("", '<option value="{}">', ((name,) for name in self.keywords))

    def days(self, zone: ZoneInfo) -> list[dt.date]:
        """The days, in that zone, on which papers are presented."""
        found = self._days.get(zone.key)
        if found is None:
            found = self._days[zone.key] = sorted({start.astimezone(zone).date() for start in self.starts})
        return found

    @cached_property
    def track_names(self) -> dict[str, str]:
        return {choice.value: choice.label for choice in self.tracks}


def _read() -> Choices:
    tracks = Track.objects.annotate(count=Count("papers", filter=_SHOWN)).filter(count__gt=0).order_by("name")
    sessions = visible_sessions().annotate(count=Count("papers", filter=_SHOWN)).filter(count__gt=0)
    keywords = Keyword.objects.annotate(count=Count("papers", filter=_SHOWN)).filter(count__gt=0)
    times = Presentation.objects.filter(session__withdrawn_at=None, paper__withdrawn_at=None)
    starts = times.order_by().values_list(Coalesce("starts_at", "session__starts_at"), flat=True).distinct()
    return Choices(
        tracks=[Choice(*row) for row in tracks.values_list("slug", "name", "count")[:MOST_TRACKS]],
        sessions=[
            Choice(*row)
            for row in sessions.order_by("starts_at", "title").values_list("uid", "title", "count")[:MOST_SESSIONS]
        ],
        kinds=_names("kind"),
        programs=_names("program"),
        keywords=sorted(keywords.order_by("-count", "name").values_list("name", flat=True)[:MOST_KEYWORDS]),
        starts=list(starts[:5000]),
    )


def _names(column: str) -> list[Choice]:
    rows = visible_papers().exclude(**{column: ""}).order_by(column).values_list(column).annotate(count=Count("pk"))
    return [Choice(name, name, count) for name, count in rows[:MOST_NAMES]]


_lock = threading.Lock()
_kept: tuple[float, Choices] | None = None
_version = 0


def choices() -> Choices:
    """What the form offers now. While somebody counts anew, others get what was counted before, if there is any."""
    global _kept
    kept = _kept
    if kept is not None and (monotonic() - kept[0] < SECONDS or _lock.locked()):
        return kept[1]
    with _lock:  # counted once, however many ask
        if _kept is not None and monotonic() - _kept[0] < SECONDS:
            return _kept[1]
        version = _version
        found = _read()
        if version == _version:
            _kept = (monotonic(), found)
        return found


def forget(**_: Any) -> None:
    """Count anew the next time."""
    global _kept, _version
    _version += 1
    _kept = None


def connect() -> None:
    for model in (Paper, Track, Keyword, Session, Presentation):
        for signal in (post_save, post_delete):
            signal.connect(forget, sender=model, dispatch_uid=f"choices of the list: {model.__name__}")
    m2m_changed.connect(forget, sender=Paper.keywords.through, dispatch_uid="choices of the list: keywords")
    programme_changed.connect(forget, dispatch_uid="choices of the list: programme")
