"""Changes people make on the site: who may change which field, their history, approval, taking back.

An edit is a row with the values before and after (papers/values.py). What was edited keeps its source's value as a mark
on the row, so that the next import of that source knows what to keep (papers/importers/merge.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.permissions import Viewer, can_edit, can_edit_everything
from miniconf.problems import Problem

from .imports import after_change
from .models import Conference, Edit
from .values import KINDS, Values, difference, free_slug, rows_by_key, store, values

# What those may change who are no organizers: authors on their papers, people about themselves.
OPEN_FIELDS: dict[str, tuple[str, ...]] = {
    "paper": (
        "abstract", "tldr", "keywords", "links", "bibtex", "video_url", "video_file", "captions_file", "video_poster",
        "thumbnail_file", "poster_file", "slides_file",
    ),
    "person": ("affiliation", "biography", "url", "image_url"),
    "sponsor": ("description", "url", "logo_url", "video_url", "links", "join_url_private", "join_note_private"),
}  # fmt: skip
LATEST = 500  # edits kept of one row; older ones are forgotten


@dataclass(frozen=True)
class Editable:
    """A kind of row of another app that is edited with the same history and approval as the programme.

    `waits(row, after)`: whether a change by somebody who is no organizer needs approval where the conference asks for it.
    """

    find: Callable[[str], Any]
    values: Callable[[Any], Values]
    store: Callable[[Any, Values], None]
    fields_for: Callable[[Viewer, Any], tuple[str, ...]]
    waits: Callable[[Any, Values], bool]
    address: Callable[[Any], str]  # of the form


OTHERS: dict[str, Editable] = {}


def values_of_row(kind: str, row: Any) -> Values:
    return OTHERS[kind].values(row) if kind in OTHERS else values(row)


def fields_for(user: Viewer, kind: str, row: Any) -> tuple[str, ...]:
    """The fields that `user` may change; none for most people."""
    if kind in OTHERS:
        return OTHERS[kind].fields_for(user, row)
    if can_edit_everything(user):
        return KINDS[kind].fields
    return OPEN_FIELDS.get(kind, ()) if can_edit(user, row) else ()


def find(kind: str, key: str) -> Any:
    """The row, or Problem 404."""
    row = OTHERS[kind].find(key) if kind in OTHERS else rows_by_key(kind, [key]).get(key) if kind in KINDS else None
    if row is None:
        raise Problem(404, "Not found", f"There is no {kind} “{key[:80]}”.")
    return row


def version_of(found: Values) -> str:
    """Changes whenever the row's values do; a form sends back the one it was made from."""
    text = json.dumps(found, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def edit(*, user: User, kind: str, key: str, changes: Values, note: str = "", version: str = "") -> Edit | None:
    """Change fields of a row, or ask for it where authors need an organizer's approval; None when nothing differs.

    Raises Problem 403 for fields that are not the user's to change, 409 when the row is not the one of `version`.
    """
    with transaction.atomic():
        row = find(kind, key)
        allowed = fields_for(user, kind, row)
        if forbidden := sorted(changes.keys() - set(allowed)):
            raise Problem(403, "Not yours to change", f"You may not change {', '.join(forbidden)} here.")
        present = values_of_row(kind, row)
        if version and version != version_of(present):
            raise Problem(409, "Changed meanwhile", "Somebody else changed this while you were writing.")
        before, after = difference(present, changes)
        if not after:
            return None
        made = Edit(kind=kind, key=key, title=_title(kind, row), before=before, after=after, user=user, note=note[:300])
        waits = Conference.current().approve_author_edits and not can_edit_everything(user)
        waits = waits and (kind not in OTHERS or OTHERS[kind].waits(row, after))
        if waits:
            made.state = Edit.State.WAITING
            Edit.objects.filter(kind=kind, key=key, user=user, state=Edit.State.WAITING).update(
                state=Edit.State.TAKEN_BACK, decided_at=now()
            )
        else:
            _apply(kind, key, row, after)
        made.save()
        _forget_oldest(kind, key)
    return made


def create(*, user: User, kind: str, changes: Values) -> Edit:
    """Make a new row on the site. Its key is `uid` or `slug` among the changes, or made from the title."""
    shape = KINDS[kind]
    if not can_edit_everything(user) or kind == "conference":
        raise Problem(403, "Not yours to make", f"You may not add a {kind} here.")
    new = dict(changes)
    key = str(new.pop("key", "") or "")
    with transaction.atomic():
        taken = set(shape.model._default_manager.values_list(shape.key, flat=True))
        if key in taken:
            raise Problem(422, "Taken", f"There is a {kind} “{key}” already.")
        key = key or free_slug(str(new[shape.title]), taken, limit=80, otherwise=kind)
        store(kind, {key: new})
        made = Edit.objects.create(kind=kind, key=key, title=str(new[shape.title])[:500], after=new, user=user)
        after_change()
    return made


def decide(*, user: User, waiting: Edit, accept: bool, note: str = "") -> Edit:
    """An organizer applies or refuses what an author asked for."""
    if not can_edit_everything(user):
        raise Problem(403, "Not yours to decide", "Only organizers decide on changes.")
    with transaction.atomic():
        waiting = Edit.objects.select_for_update().get(pk=waiting.pk)
        if waiting.state != Edit.State.WAITING:
            raise Problem(409, "Decided already", f"This change is {waiting.state}.")
        if accept:
            _apply(waiting.kind, waiting.key, find(waiting.kind, waiting.key), waiting.after)
        waiting.state = Edit.State.APPLIED if accept else Edit.State.REFUSED
        waiting.decided_by, waiting.decided_at = user, now()
        waiting.note = note[:300] or waiting.note
        waiting.save()
    return waiting


def take_back(*, user: User, made: Edit) -> Edit | None:
    """Give the fields of an applied edit the values they had before it; that is an edit too."""
    if made.state != Edit.State.APPLIED or not made.before:
        raise Problem(409, "Nothing to take back", f"This change is {made.state}, or made what it is about.")
    return edit(
        user=user,
        kind=made.kind,
        key=made.key,
        changes=made.before,
        note=f"Takes back a change of {made.created_at:%d %b %Y}",
    )


def _apply(kind: str, key: str, row: Any, after: Values) -> None:
    if kind in OTHERS:
        OTHERS[kind].store(row, after)
        return
    marks: dict[str, Values] = {}
    if getattr(row, "source", ""):
        present = values(row)
        marked = dict(row.edited)
        for name, value in after.items():
            base = marked.pop(name) if name in marked else present.get(name)
            if base != value:  # back to what the source says: followed again
                marked[name] = base
        marks[key] = marked
    store(kind, {key: after}, edited=marks or None)
    after_change()


def _title(kind: str, row: Any) -> str:
    return str(row if kind in OTHERS else getattr(row, KINDS[kind].title))[:500]


def _forget_oldest(kind: str, key: str) -> None:
    old = list(Edit.objects.filter(kind=kind, key=key).values_list("pk", flat=True)[LATEST : LATEST + 100])
    Edit.objects.filter(pk__in=old).delete()
