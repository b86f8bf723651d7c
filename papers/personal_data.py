"""The programme's part of somebody's data: bookmarks, visits, places at tables, changes they made."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register

from .models import Announcement, Bookmark, Edit, Import, Paper, Person, Seat, SentReminder, Upload, Visit
from .uploads import path_of

MOST_ROWS = 20_000  # of a kind


def data(user: User) -> dict[str, Any]:
    bookmarks = user.bookmarks.select_related("paper", "session", "event").order_by("created_at")
    return {
        "page": Person.objects.filter(user=user).values_list("slug", flat=True).first(),
        "speaks_for": sorted(Paper.objects.filter(representatives=user).values_list("uid", flat=True)),
        "bookmarks": [
            {"kind": kind, "id": row.uid, "at": iso(bookmark.created_at)}
            for bookmark in bookmarks[:MOST_ROWS]
            for kind, row in (("paper", bookmark.paper), ("session", bookmark.session), ("event", bookmark.event))
            if row is not None
        ],
        "visited_papers": [
            {"paper": uid, "last": iso(at)}
            for uid, at in user.visits.order_by("last_at").values_list("paper__uid", "last_at")[:MOST_ROWS]
        ],
        "places_at_tables": [
            {"event": seat.event.uid, "note": seat.note, "waiting": seat.waiting, "at": iso(seat.created_at)}
            for seat in user.seats.select_related("event")[:MOST_ROWS]
        ],
        "changes_of_the_programme": [
            {"kind": edit.kind, "id": edit.key, "state": edit.state, "note": edit.note, "at": iso(edit.created_at)}
            for edit in user.edits.order_by("created_at")[:MOST_ROWS]
        ],
    }


def _remove(files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


def forget(user: User) -> dict[str, int]:
    """What they did for themselves goes. The programme itself stays, their published page in it, too."""
    files = [path_of(upload) for upload in Upload.objects.filter(user=user)]
    transaction.on_commit(partial(_remove, files))
    Upload.objects.filter(user=user).delete()
    SentReminder.objects.filter(user=user).delete()
    for paper in Paper.objects.filter(representatives=user):
        paper.representatives.remove(user)
    Person.objects.filter(user=user).update(user=None)
    Import.objects.filter(user=user).update(user=None)
    Announcement.objects.filter(author=user).update(author=None)
    Edit.objects.filter(decided_by=user).update(decided_by=None)
    return {
        "bookmarks": Bookmark.objects.filter(user=user).delete()[0],
        "visited papers": Visit.objects.filter(user=user).delete()[0],
        "places at tables": Seat.objects.filter(user=user).delete()[0],
        "changes of the programme, now without a name": Edit.objects.filter(user=user).update(user=None),
    }


register(Part("programme", data, forget))
