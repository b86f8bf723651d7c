"""Rows of one model made to agree with what a source says, by key, in a few statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import models
from django.utils.timezone import now

from .problems import Place
from .report import Report

Removal = Literal["withdraw", "delete", "keep"]


@dataclass(slots=True)
class Synced:
    """Rows by key, and the primary keys of those to which something was done."""

    rows: dict[str, Any]
    added: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)

    @property
    def touched(self) -> set[int]:
        return self.added | self.changed | self.gone

    def count(self, report: Report, what: str) -> None:
        changed = self.changed - self.added - self.gone
        unchanged = len(self.rows) - len(self.added) - len(changed)
        report.count(what, added=len(self.added), changed=len(changed), unchanged=unchanged, withdrawn=len(self.gone))


def sync(
    model: type[models.Model],
    wanted: Mapping[str, tuple[Place, dict[str, Any]]],
    report: Report,
    *,
    key: str = "uid",
    removal: Removal,
    created: Callable[[str], dict[str, Any]] | None = None,
) -> Synced:
    """Add, change and remove rows of `report.source`; `rows` holds the wanted ones only.

    `created` gives further fields of a row that is added, for its key. A key that a row of another source has is a
    problem, and then nothing is written.
    """
    manager = model._default_manager
    existing = {getattr(row, key): row for row in manager.filter(source=report.source)}
    if not _free(model, wanted, report, key=key):
        return Synced(rows={})
    stamp = {"updated_at": now()} if any(f.name == "updated_at" for f in model._meta.fields) else {}
    synced = Synced(rows={})
    fresh: list[models.Model] = []
    differing: list[models.Model] = []
    for value, (_, fields) in wanted.items():
        row = existing.get(value)
        if removal == "withdraw":
            fields = {**fields, "withdrawn_at": None}
        if row is None:
            row = model(**{key: value, "source": report.source}, **fields, **(created(value) if created else {}))
            fresh.append(row)
        elif any(getattr(row, name) != new for name, new in fields.items()):
            for name, new in (fields | stamp).items():
                setattr(row, name, new)
            differing.append(row)
        synced.rows[value] = row
    manager.bulk_create(fresh, batch_size=500)
    if differing:
        names = [*next(iter(wanted.values()))[1], *stamp, *(["withdrawn_at"] if removal == "withdraw" else [])]
        manager.bulk_update(differing, [name.removesuffix("_id") for name in names], batch_size=200)
    synced.added = {row.pk for row in fresh}
    synced.changed = {row.pk for row in differing}
    missing = [row for value, row in existing.items() if value not in wanted]
    if removal == "withdraw":
        missing = [row for row in missing if getattr(row, "withdrawn_at") is None]  # noqa: B009  not on every model
        manager.filter(pk__in=[row.pk for row in missing]).update(withdrawn_at=now(), **stamp)
        synced.gone = {row.pk for row in missing}
    elif removal == "delete":
        synced.gone = {row.pk for row in missing}
        manager.filter(pk__in=synced.gone).delete()
    return synced


def _free(model: type[models.Model], wanted: Mapping[str, tuple[Place, Any]], report: Report, *, key: str) -> bool:
    """No wanted key belongs to a row of another source."""
    if not model._meta.get_field(key).unique:  # type: ignore[union-attr]
        return True
    others = model._default_manager.exclude(source=report.source).values_list(key, "source")
    taken = [(value, source) for value, source in others if value in wanted]
    for value, source in taken:
        owner = f'source "{source}"' if source else "this site itself"
        report.problems.add(wanted[value][0], key, value, f"a new id: this one belongs to {owner}")
    return not taken


def sync_pairs(
    through: type[models.Model], columns: tuple[str, str], owned: dict[str, Any], wanted: set[tuple[int, int]]
) -> set[int]:
    """Rows of a many-to-many table, restricted by the filter `owned`; returns keys of the first column that changed."""
    manager = through._default_manager
    existing = {(left, right): pk for pk, left, right in manager.filter(**owned).values_list("pk", *columns)}
    extra = existing.keys() - wanted
    missing = wanted - existing.keys()
    if extra:
        manager.filter(pk__in=[existing[pair] for pair in extra]).delete()
    manager.bulk_create([through(**dict(zip(columns, pair, strict=True))) for pair in sorted(missing)], batch_size=1000)
    return {left for left, _ in extra | missing}
