"""JSON: everything public in one file, whose form docs/exporting.md describes.

Lists are sorted by uid or slug and keys stand in a fixed order, so that two exports can be compared line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote, urljoin

from django.conf import settings
from django.db.models import Model, QuerySet
from django.urls import reverse

from papers.models import Conference, Page, Sponsor
from papers.queries import visible_events, visible_papers, visible_sessions
from papers.values import KINDS, Values, values_of

from .tables import public_people

NAME = "json"
TITLE = "JSON"
DESCRIPTION = "Everything public in one file: papers, people, sessions, events, sponsors, pages."
CONTENT_TYPE = "application/json"
FILE_NAME = "programme.json"
VERSION = 1

_CHUNK = 1000
_FILES = ("video_file", "captions_file", "video_poster", "thumbnail_file", "poster_file", "slides_file")


def write(stream: IO[bytes], *, private: bool = False) -> None:
    """The programme; `private` makes no difference: this file is made to be published."""
    shown = {
        "events": set(visible_events().values_list("uid", flat=True)),
        "papers": set(visible_papers().values_list("uid", flat=True)),
    }
    stream.write(_line("{", f'"format": "miniconf", "version": {VERSION}, "site": {json.dumps(settings.SITE_URL)},'))
    [conference] = values_of("conference", Conference.objects.filter(pk=Conference.current().pk)).values()
    stream.write(_line(f'"conference": {_json(conference)}'))
    for name, kind, rows in (
        ("papers", "paper", visible_papers()),
        ("people", "person", public_people()),
        ("events", "event", visible_events()),
        ("sessions", "session", visible_sessions()),
        ("sponsors", "sponsor", Sponsor.objects.all()),
        ("pages", "page", Page.objects.all()),
    ):
        stream.write(_line(f', "{name}": ['))
        separator = " "
        for item in _rows(kind, rows, shown):
            stream.write(_line(f"{separator}{_json(item)}"))
            separator = ","
        stream.write(_line("]"))
    stream.write(_line("}"))


def _line(*texts: str) -> bytes:
    return ("".join(texts) + "\n").encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rows(kind: str, rows: QuerySet[Any], shown: dict[str, set[str]]) -> Iterator[Values]:
    key = KINDS[kind].key
    keys = sorted(rows.order_by().values_list(key, flat=True))
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        model: type[Model] = KINDS[kind].model
        found = values_of(kind, model._default_manager.filter(**{f"{key}__in": chunk}))
        for name in chunk:
            yield {key: name, "page": _page(kind, name)} | _public(kind, found[name], shown)


def _public(kind: str, values: Values, shown: dict[str, set[str]]) -> Values:
    """Without private fields, and without what refers to something withdrawn; files by their addresses."""
    public = {name: value for name, value in values.items() if not name.endswith("_private") and name != "withdrawn"}
    if public.get("event") and public["event"] not in shown["events"]:
        public["event"] = ""
    if kind == "session":
        public["papers"] = [
            {name: item[name] for name in ("paper", "starts_at", "ends_at")}
            for item in values["papers"]
            if item["paper"] in shown["papers"]
        ]
    for name in _FILES:
        if public.get(name):
            public[name] = urljoin(f"{settings.SITE_URL}/", f"{settings.MEDIA_URL}{quote(public[name])}")
    return public


def _page(kind: str, key: str) -> str:
    return settings.SITE_URL + reverse(kind, args=[key])
