"""Taking an import back: every row as it was, unless it has been changed or used since. All of it or nothing.

The command does it at once, the page has a worker do it (`begin`, then `run`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from miniconf.problems import Problem

from . import imports
from .importers import extensions
from .imports import after_change
from .models import Conference, Import, ImportChange, Paper
from .search import indexed_together
from .values import BATCH, KINDS, Values, store, values_of

# What refers to others goes before what it refers to.
_ORDER = ("page", "session", "paper", "sponsor", "event", "person", "conference")


@dataclass(slots=True)
class Undone:
    """How many rows were restored, deleted, withdrawn since people have used them, and kept as they are by now."""

    restored: int = 0
    deleted: int = 0
    withdrawn: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def begin(record: Import) -> None:
    """Have a worker take an import back. Raises Problem 409 where that is not possible, and BrokerDown."""
    _check(record, Import.State.APPLIED)
    imports.queue(record, "undo")


def run(record: Import) -> None:
    """Take back an import of which that was asked; its row tells the outcome. For the worker."""
    refused = "an error of the site: its log says more"
    try:
        undo(record, Import.State.UNDOING)
        refused = ""
    except Problem as problem:  # imported again while this waited
        refused = problem.detail
    finally:
        imports.forget_progress(record)
        if refused:
            not_undone(record, refused)


def not_undone(record: Import, why: str) -> None:
    """An import that was to be taken back stays as it is."""
    Import.objects.filter(pk=record.pk).update(state=Import.State.APPLIED, undone={"refused": why})


def undo(record: Import, state: str = Import.State.APPLIED) -> Undone:
    """Take back an applied import, the newest of its source. Raises Problem 409 where that is not possible."""
    undone = Undone()
    with transaction.atomic():
        Conference.objects.select_for_update().get(pk=Conference.current().pk)
        record = Import.objects.select_for_update().get(pk=record.pk)
        _check(record, state)
        steps = [
            *((_restore_removed, kind) for kind in reversed(_ORDER)),
            *((_restore_changed, kind) for kind in _ORDER),
            *((_take_away_added, kind) for kind in _ORDER),
        ]
        with indexed_together():
            # What was taken away comes back first: what refers to it does so again afterwards.
            for done, (step, kind) in enumerate(steps):
                imports.tell_progress(record, f"{kind}: taking back", done, len(steps))
                step(record, kind, undone)
        record.state, record.undone_at, record.undone = Import.State.UNDONE, now(), asdict(undone)
        record.save()
        after_change()
    return undone


def _check(record: Import, state: str) -> None:
    """Raises Problem 409 unless an import in this state can be taken back."""
    if record.state != state:
        raise Problem(409, "Not applied", f"This import is {record.state}: there is nothing to undo.")
    later = Import.objects.filter(
        source=record.source,
        state__in=(Import.State.APPLIED, Import.State.UNDOING),
        applied_at__gt=record.applied_at,
    )
    if later.exists():
        raise Problem(409, "Undo the later one first", f"“{record.source}” was imported again after this.")


def _in_batches(record: Import, kind: str, *actions: str) -> Iterator[dict[str, ImportChange]]:
    """The changes of one kind, by key; what they hold may be large, so never all of them at once."""
    ids = list(record.changes.filter(kind=kind, action__in=actions).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield {change.key: change for change in record.changes.filter(pk__in=ids[start : start + BATCH])}


def _restore_removed(record: Import, kind: str, undone: Undone) -> None:
    shape = KINDS[kind]
    for removed in _in_batches(record, kind, ImportChange.Action.REMOVED):
        present = shape.model._default_manager.filter(**{f"{shape.key}__in": list(removed)})
        taken = set(present.values_list(shape.key, flat=True))
        undone.kept += [f"{kind} {key}" for key in sorted(taken)]
        again = {key: change.before for key, change in removed.items() if key not in taken}
        store(kind, again, new=lambda key: {"source": record.source})
        undone.restored += len(again)


def _restore_changed(record: Import, kind: str, undone: Undone) -> None:
    shape = KINDS[kind]
    for changes in _in_batches(record, kind, ImportChange.Action.CHANGED, ImportChange.Action.WITHDRAWN):
        rows = shape.model._default_manager.filter(**{f"{shape.key}__in": list(changes)})
        present = values_of(kind, rows)
        back: dict[str, Values] = {}
        for key, change in changes.items():
            ours = present.get(key, {})
            same = {name: value for name, value in change.before.items() if ours.get(name) == change.after.get(name)}
            if same:
                back[key] = same
            if len(same) < len(change.before):
                undone.kept.append(f"{kind} {key}")
        store(kind, back)
        undone.restored += len(back)


def _take_away_added(record: Import, kind: str, undone: Undone) -> None:
    shape = KINDS[kind]
    changes = record.changes.filter(kind=kind, action=ImportChange.Action.ADDED).order_by("pk")
    added = list(changes.values_list("key", flat=True))
    if not added:
        return
    rows = shape.model._default_manager.filter(source=record.source)
    for start in range(0, len(added), BATCH):
        keys = added[start : start + BATCH]
        mine = rows.filter(**{f"{shape.key}__in": keys})
        used = extensions.kept(kind, keys) | _used_here(kind, keys)
        here = set(mine.values_list(shape.key, flat=True))
        if shape.withdrawn:
            store(kind, {key: {"withdrawn": True} for key in used & here})
            undone.withdrawn += [f"{kind} {key}" for key in sorted(used & here)]
        else:
            undone.kept += [f"{kind} {key}" for key in sorted(used & here)]
        undone.deleted += len(here - used)
        mine.exclude(**{f"{shape.key}__in": used}).delete()


def _used_here(kind: str, keys: list[str]) -> set[str]:
    """Rows that somebody has bookmarked, taken a seat at or speaks for, or that something else refers to."""
    shape = KINDS[kind]
    rows = shape.model._default_manager.filter(**{f"{shape.key}__in": keys})
    if kind == "person":
        used = rows.filter(
            ~Q(user=None) | ~Q(authorships=None) | ~Q(events=None) | ~Q(chaired_sessions=None) | ~Q(sponsors=None)
        )
    elif kind in ("paper", "session"):
        used = rows.exclude(bookmarks=None)
        if kind == "paper":
            used = used | Paper.objects.filter(uid__in=keys).exclude(representatives=None)
    elif kind == "event":
        used = rows.filter(~Q(bookmarks=None) | ~Q(seats=None))
    else:
        return set()
    return set(used.values_list(shape.key, flat=True))
