"""The lists among a row's values (papers/values.py): authors, keywords, people, chairs, papers of a session."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from .models import Authorship, Keyword, Paper, Person, Presentation

_BATCH = 1000


def read(model: type[models.Model], name: str, rows: models.QuerySet[Any]) -> dict[int, list[Any]]:
    """The list `name` of each of the rows that has any items, by the row's primary key."""
    found: dict[int, list[Any]] = defaultdict(list)
    ids = rows.order_by().values("pk")
    if name == "authors":
        authorships = Authorship.objects.filter(paper__in=ids).order_by("paper_id", "position")
        for pk, slug, equal in authorships.values_list("paper_id", "person__slug", "equal_contribution"):
            found[pk].append({"person": slug, "equal_contribution": equal})
    elif name == "papers":
        presentations = Presentation.objects.filter(session__in=ids).order_by("session_id", "position", "pk")
        columns = ("session_id", "paper__uid", "starts_at", "ends_at", "join_url_private")
        for pk, uid, starts_at, ends_at, url in presentations.values_list(*columns):
            found[pk].append(presentation(uid, starts_at, ends_at, url))
    else:
        through, own, other, label = _table(model, name)
        pairs = through._default_manager.filter(**{f"{own}__in": ids}).values_list(f"{own}_id", f"{other}__{label}")
        for pk, key in pairs:
            found[pk].append(key)
        for items in found.values():
            items.sort()
    return dict(found)


def presentation(
    uid: str, starts_at: dt.datetime | None, ends_at: dt.datetime | None, join_url_private: str
) -> dict[str, Any]:
    def text(time: dt.datetime | None) -> str | None:
        return time.astimezone(dt.UTC).isoformat() if time else None

    return {
        "paper": uid,
        "starts_at": text(starts_at),
        "ends_at": text(ends_at),
        "join_url_private": join_url_private,
    }


def write(model: type[models.Model], name: str, wanted: Mapping[int, list[Any]]) -> None:
    """Make the list `name` of each row what `wanted` says, by the row's primary key."""
    if not wanted:
        return
    if name == "authors":
        _write_authors(wanted)
    elif name == "papers":
        _write_papers(wanted)
    else:
        _write_pairs(model, name, wanted)


def _table(model: type[models.Model], name: str) -> tuple[Any, str, str, str]:
    """The table between, its column for the row, its column for the item, and the item's field in the list."""
    relation: Any = model._meta.get_field(name)
    label = "name" if relation.related_model is Keyword else "slug"
    return relation.remote_field.through, relation.m2m_field_name(), relation.m2m_reverse_field_name(), label


def _ids(model: type[models.Model], field: str, keys: Iterable[str]) -> dict[str, int]:
    wanted = sorted(set(keys))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _BATCH):
        chunk = wanted[start : start + _BATCH]
        found |= dict(model._default_manager.filter(**{f"{field}__in": chunk}).values_list(field, "pk"))
    return found


def _delete(model: type[models.Model], field: str, keys: Iterable[int]) -> None:
    wanted = sorted(keys)
    for start in range(0, len(wanted), _BATCH):
        # No signals: the search index is brought up to date by whoever stores values.
        rows = model._default_manager.filter(**{f"{field}__in": wanted[start : start + _BATCH]})
        rows._raw_delete(rows.db)


def _write_authors(wanted: Mapping[int, list[Any]]) -> None:
    people = _ids(Person, "slug", (item["person"] for items in wanted.values() for item in items))
    _delete(Authorship, "paper_id", wanted)
    Authorship.objects.bulk_create(
        [
            Authorship(
                paper_id=pk,
                position=position,
                person_id=people[item["person"]],
                equal_contribution=item["equal_contribution"],
            )
            for pk, items in wanted.items()
            for position, item in enumerate(items, 1)
        ],
        batch_size=_BATCH,
    )


def _write_papers(wanted: Mapping[int, list[Any]]) -> None:
    papers = _ids(Paper, "uid", (item["paper"] for items in wanted.values() for item in items))
    _delete(Presentation, "session_id", wanted)

    def time(text: str | None) -> dt.datetime | None:
        return dt.datetime.fromisoformat(text) if text else None

    Presentation.objects.bulk_create(
        [
            Presentation(
                session_id=pk,
                paper_id=papers[item["paper"]],
                position=position,
                starts_at=time(item["starts_at"]),
                ends_at=time(item["ends_at"]),
                join_url_private=item["join_url_private"],
            )
            for pk, items in wanted.items()
            for position, item in enumerate(items, 1)
        ],
        batch_size=_BATCH,
    )


def _write_pairs(model: type[models.Model], name: str, wanted: Mapping[int, list[Any]]) -> None:
    through, own, other, label = _table(model, name)
    names = {item for items in wanted.values() for item in items}
    target = Keyword if label == "name" else Person
    ids = _ids(target, label, names)
    if target is Keyword and (missing := sorted(names - ids.keys())):
        Keyword.objects.bulk_create([Keyword(name=name) for name in missing], batch_size=_BATCH)
        ids |= _ids(Keyword, "name", missing)
    _delete(through, f"{own}_id", wanted)
    through._default_manager.bulk_create(
        [
            through(**{f"{own}_id": pk, f"{other}_id": ids[item]})
            for pk, items in wanted.items()
            for item in dict.fromkeys(items)
        ],
        batch_size=_BATCH,
    )
