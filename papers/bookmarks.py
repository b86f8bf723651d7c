"""Bookmarks and visits of members. Visitors keep theirs in the browser (static/papers/marks.js)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import BooleanField, QuerySet, Value
from django.http import HttpRequest
from django.utils.timezone import now

from miniconf.permissions import Viewer, can_bookmark
from miniconf.problems import Problem

from .models import Bookmark, Event, Paper, Session, Visit
from .queries import visible_events, visible_papers, visible_sessions

if TYPE_CHECKING:
    from miniconf.accounts.models import User

KINDS = ("paper", "session", "event")
Thing = Paper | Session | Event
MOST_BOOKMARKS = 2000  # of one person; every page of a member reads them all
MOST_TAKEN_OVER = 500


class Marks:
    """What one person has bookmarked and visited; read from the database once for each request, if at all."""

    def __init__(self, user: Viewer) -> None:
        self.user = user

    @cached_property
    def _rows(self) -> list[tuple[int | None, int | None, int | None, bool]]:
        if not can_bookmark(self.user):
            return []
        bookmarks = Bookmark.objects.filter(user=self.user).order_by()
        # The visit's id stands in the places of sessions and events: all columns of a union are of one type.
        visits = Visit.objects.filter(user=self.user).order_by()
        flag = BooleanField()
        rows: QuerySet[Any, Any] = bookmarks.values_list(
            "paper_id", "session_id", "event_id", Value(False, flag)
        ).union(visits.values_list("paper_id", "pk", "pk", Value(True, flag)), all=True)
        return list(rows)

    @cached_property
    def bookmarked(self) -> frozenset[tuple[str, int]]:
        """Kind and primary key of everything bookmarked."""
        found = ((kind, row[n]) for row in self._rows if not row[3] for n, kind in enumerate(KINDS))
        return frozenset((kind, pk) for kind, pk in found if pk is not None)

    @cached_property
    def visited(self) -> frozenset[int]:
        """Primary keys of papers whose page was opened."""
        return frozenset(row[0] for row in self._rows if row[3] and row[0] is not None)


def marks_of(request: HttpRequest) -> Marks:
    """The marks of who asks, the same object for the whole request."""
    marks: Marks | None = getattr(request, "marks", None)
    if marks is None:
        marks = request.marks = Marks(request.user)  # type: ignore[attr-defined]
    return marks


def kind_of(thing: Thing) -> str:
    return {Paper: "paper", Session: "session", Event: "event"}[type(thing)]


def find(kind: str, uid: str) -> Thing:
    """The paper, session or event of that id, if it is shown; raises Problem 404."""
    querysets: dict[str, QuerySet[Any]] = {
        "paper": visible_papers(), "session": visible_sessions(), "event": visible_events()
    }  # fmt: skip
    thing: Thing | None = None
    if kind in querysets and "\0" not in uid:
        thing = querysets[kind].filter(uid=uid).first()
    if thing is None:
        raise Problem(404, "Nothing to bookmark", f"There is no {kind or 'paper'} with the id {uid[:120]!r}.")
    return thing


def set_bookmark(*, user: User, thing: Thing, wanted: bool) -> None:
    """Bookmark `thing`, or take its bookmark away; saying it twice changes nothing. Raises Problem 409 beyond the limit."""
    name = kind_of(thing)
    if not wanted:
        Bookmark.objects.filter(user=user, **{name: thing}).delete()
        return
    with transaction.atomic():
        if Bookmark.objects.filter(user=user, **{name: thing}).exists():
            return
        if Bookmark.objects.filter(user=user).count() >= MOST_BOOKMARKS:
            raise Problem(
                409, "Too many bookmarks", f"You have {MOST_BOOKMARKS:,} bookmarks, which is as many as one may have."
            )
        named: dict[str, Any] = {name: thing}
        Bookmark.objects.get_or_create(user=user, **named)


def take_over(*, user: User, keys: Iterable[str]) -> int:
    """Bookmark what a browser had kept before its owner signed in: "paper:<uid>" and so on; returns how many are new.

    What is unknown, withdrawn or beyond the limit is left out.
    """
    uids: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for key in list(dict.fromkeys(keys))[:MOST_TAKEN_OVER]:
        kind, _, uid = key.partition(":")
        if kind in uids and uid and "\0" not in uid:
            uids[kind].append(uid)
    with transaction.atomic():
        had = Bookmark.objects.filter(user=user).count()
        new = [Bookmark(user=user, paper=paper) for paper in visible_papers().filter(uid__in=uids["paper"])]
        new += [Bookmark(user=user, session=row) for row in visible_sessions().filter(uid__in=uids["session"])]
        new += [Bookmark(user=user, event=row) for row in visible_events().filter(uid__in=uids["event"])]
        Bookmark.objects.bulk_create(new[: max(0, MOST_BOOKMARKS - had)], ignore_conflicts=True)
        return Bookmark.objects.filter(user=user).count() - had


def take_over_visits(*, user: User, uids: Iterable[str]) -> None:
    """Remember the papers that a browser remembers as visited."""
    known = visible_papers().filter(uid__in=[uid for uid in list(uids)[:MOST_TAKEN_OVER] if "\0" not in uid])
    time = now()
    Visit.objects.bulk_create(
        [Visit(user=user, paper=paper, last_at=time) for paper in known.only("pk")], ignore_conflicts=True
    )


def record_visit(*, user: Viewer, paper: Paper) -> None:
    """Remember that a member has opened the paper's page."""
    if can_bookmark(user) and not Visit.objects.filter(user=user, paper=paper).update(last_at=now()):
        Visit.objects.bulk_create([Visit(user=user, paper=paper, last_at=now())], ignore_conflicts=True)


def bookmarked_papers(user: Viewer) -> QuerySet[Paper]:
    return visible_papers().filter(bookmarks__user_id=user.pk) if can_bookmark(user) else Paper.objects.none()
