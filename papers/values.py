"""Rows of the programme as plain values: what an import compares, the history records, undo restores and exports write.

A row's values are a JSON object: columns by name (times in ISO 8601, UTC), the key of what it refers to ("track": a
name, "event": a uid), and its lists:

    paper.authors     [{"person": slug, "equal_contribution": bool}], in order
    paper.keywords    [name], sorted
    session.papers    [{"paper": uid, "starts_at", "ends_at", "join_url_private"}], in order
    session.chairs, event.people, sponsor.people    [slug], sorted

`withdrawn` is true or false. Fields that end in `_private` are values like others: who shows them is asked elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import models
from django.utils.text import slugify
from django.utils.timezone import now

from . import value_lists
from .models import Conference, Event, Page, Paper, Person, Session, Sponsor, Track
from .search import index_papers

Values = dict[str, Any]
BATCH = 400


@dataclass(frozen=True)
class Kind:
    """A kind of row: how one is found, called and taken apart."""

    name: str
    model: type[models.Model]
    key: str
    title: str
    columns: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)  # foreign key -> the field that names its row
    lists: tuple[str, ...] = ()
    withdrawn: bool = False  # whether it is withdrawn rather than deleted

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.columns, *self.references, *self.lists, *(("withdrawn",) if self.withdrawn else ()))


_JOIN = ("join_url_private", "join_note_private")
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "conference", Conference, "pk", "name", (
                "name", "tagline", "about", "starts_on", "ends_on", "timezone", "members_only", "anonymous_runs",
                "open_registration", "approve_author_edits",
            )
        ),
        Kind(
            "person", Person, "slug", "name",
            ("name", "affiliation", "biography", "url", "image_url", "email_private"),
        ),
        Kind(
            "event", Event, "uid", "title",
            ("kind", "title", "abstract", "capacity", "links", "video_url", "image_url", *_JOIN),
            references={"track": "name"}, lists=("people",), withdrawn=True,
        ),
        Kind(
            "sponsor", Sponsor, "uid", "name",
            ("name", "level", "description", "url", "logo_url", "video_url", "links", *_JOIN, "position"),
            lists=("people",),
        ),
        Kind(
            "paper", Paper, "uid", "title",
            (
                "title", "abstract", "tldr", "kind", "program", "year", "venue", "links", "bibtex", "video_file",
                "captions_file", "video_poster", "video_url", "thumbnail_file", "poster_file", "slides_file",
                "thumbnail_url", "map_x", "map_y", "highlighted",
            ),
            references={"track": "name", "event": "uid"}, lists=("authors", "keywords"), withdrawn=True,
        ),
        Kind(
            "session", Session, "uid", "title",
            ("title", "kind", "starts_at", "ends_at", "room", "url", "in_schedule", "description", *_JOIN),
            references={"track": "name", "event": "uid", "sponsor": "uid"}, lists=("chairs", "papers"), withdrawn=True,
        ),
        Kind("page", Page, "slug", "title", ("title", "body", "position")),
    )
}  # fmt: skip


def kind_of(row: models.Model) -> Kind:
    return next(kind for kind in KINDS.values() if kind.model is type(row))


def plain(value: object) -> Any:
    """A column's value as JSON has it."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def _column(model: type[models.Model], name: str, value: Any) -> Any:
    """A JSON value as the column takes it."""
    if isinstance(value, str):
        column = model._meta.get_field(name)
        if isinstance(column, models.DateTimeField):
            return dt.datetime.fromisoformat(value)
        if isinstance(column, models.DateField):
            return dt.date.fromisoformat(value)
    return value


def values_of(kind: str, rows: models.QuerySet[Any]) -> dict[str, Values]:
    """The values of all rows of a queryset, by key; one query, and one for each list."""
    shape = KINDS[kind]
    paths = {name: f"{name}__{target}" for name, target in shape.references.items()}
    extra = ["withdrawn_at"] if shape.withdrawn else []
    found: dict[str, Values] = {}
    keys: dict[int, str] = {}
    for row in rows.order_by().values("pk", shape.key, *shape.columns, *paths.values(), *extra).iterator(BATCH):
        values = {name: plain(row[name]) for name in shape.columns}
        values |= {name: row[path] or "" for name, path in paths.items()}
        if shape.withdrawn:
            values["withdrawn"] = row["withdrawn_at"] is not None
        found[str(row[shape.key])] = values
        keys[row["pk"]] = str(row[shape.key])
    for name in shape.lists:
        lists = value_lists.read(shape.model, name, rows)
        for pk, key in keys.items():
            found[key][name] = lists.get(pk, [])
    return found


def values(row: models.Model) -> Values:
    kind = kind_of(row)
    return values_of(kind.name, kind.model._default_manager.filter(pk=row.pk))[str(getattr(row, kind.key))]


def rows_by_key(kind: str, keys: Iterable[str]) -> dict[str, Any]:
    shape, wanted = KINDS[kind], list(keys)
    found = {}
    for start in range(0, len(wanted), 1000):
        chunk = wanted[start : start + 1000]
        for row in shape.model._default_manager.filter(**{f"{shape.key}__in": chunk}):
            found[str(getattr(row, shape.key))] = row
    return found


def store(
    kind: str,
    changes: Mapping[str, Values],
    *,
    new: Callable[[str], Mapping[str, Any]] | None = None,
    edited: Mapping[str, Values] | None = None,
) -> set[int]:
    """Give rows these values; fields that are left out keep theirs. Returns the primary keys of what was written.

    A key without a row makes a new one, with the further columns `new(key)` gives. `edited` replaces the marks of
    fields edited on the site. References and lists name rows that exist; tracks and keywords are made as needed.
    Call it in a transaction. The search index is brought up to date.
    """
    shape = KINDS[kind]
    rows = rows_by_key(kind, changes)
    references = {
        name: _referred(shape.model, name, target, changes)
        for name, target in shape.references.items()
        if any(name in values for values in changes.values())
    }
    fresh: list[Any] = []
    groups: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for key, values in changes.items():
        row = rows.get(key)
        is_new = row is None
        if row is None:
            row = rows[key] = cast(Any, shape.model)(**{shape.key: key}, **(new(key) if new else {}))
        names = _assign(shape, row, values, references)
        if edited is not None and key in edited and row.edited != edited[key]:
            row.edited = edited[key]
            names.append("edited")
        if is_new:
            fresh.append(row)
        elif names:
            if hasattr(row, "updated_at"):
                row.updated_at = now()
                names.append("updated_at")
            groups[tuple(sorted(names))].append(row)
    shape.model._default_manager.bulk_create(fresh, batch_size=BATCH)
    for columns, group in groups.items():
        shape.model._default_manager.bulk_update(group, columns, batch_size=200)
    for name in shape.lists:
        wanted = {rows[key].pk: values[name] for key, values in changes.items() if name in values}
        value_lists.write(shape.model, name, wanted)
    touched = {rows[key].pk for key in changes}
    if shape.model is Paper:
        index_papers(touched)
    elif shape.model is Person:
        renamed = [row.pk for columns, group in groups.items() if "name" in columns for row in group]
        index_papers(set(Paper.objects.filter(authors__in=renamed).values_list("pk", flat=True)))
    return touched


def _assign(shape: Kind, row: Any, values: Values, references: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Set the columns of a row; returns their names."""
    names = []
    for name, value in values.items():
        if name in shape.columns:
            setattr(row, name, _column(shape.model, name, value))
        elif name in shape.references:
            setattr(row, f"{name}_id", references[name][value] if value else None)
        elif name == "withdrawn" and shape.withdrawn:
            row.withdrawn_at = (row.withdrawn_at or now()) if value else None
            name = "withdrawn_at"
        elif name in shape.lists:
            continue
        else:
            raise KeyError(f"{shape.name} has no field {name}")
        names.append(name)
    return names


def _referred(model: type[models.Model], name: str, target: str, changes: Mapping[str, Values]) -> Mapping[str, int]:
    """Primary keys of the rows that `name` refers to, by the field that names them."""
    wanted = sorted({values[name] for values in changes.values() if values.get(name)})
    other: Any = model._meta.get_field(name).related_model
    if other is Track:
        _make_tracks(wanted)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 1000):
        chunk = wanted[start : start + 1000]
        found |= dict(other._default_manager.filter(**{f"{target}__in": chunk}).values_list(target, "pk"))
    return found


def _make_tracks(names: list[str]) -> None:
    known = set(Track.objects.filter(name__in=names).values_list("name", flat=True))
    taken = set(Track.objects.values_list("slug", flat=True)) if known != set(names) else set()
    for name in names:
        if name not in known:
            Track.objects.create(name=name, slug=free_slug(name, taken, limit=80, otherwise="track"))


def free_slug(name: str, taken: set[str], *, limit: int, otherwise: str, allow_unicode: bool = False) -> str:
    """A slug for `name` that is not taken, numbered from 2 where it is; it is taken from then on."""
    base = slugify(name, allow_unicode=allow_unicode)[: limit - 6] or otherwise
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    taken.add(slug)
    return slug


def difference(old: Values, new: Values) -> tuple[Values, Values]:
    """The fields of `new` that differ from `old`: as they were, as they are to be."""
    names = [name for name in new if old.get(name) != new[name]]
    return {name: old.get(name) for name in names}, {name: new[name] for name in names}
