"""schedule.json, valid against the published schema (frab-schedule.schema.json of voc/schedule, the first version)."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import IO, Any

from django.conf import settings

from . import frab

NAME = "frab-json"
TITLE = "frab schedule (JSON)"
DESCRIPTION = "The same as the frab XML, with affiliations, biographies and pictures of the speakers."
CONTENT_TYPE = "application/json"
FILE_NAME = "schedule.json"

SCHEMA = "https://c3voc.de/schedule/schema.json"
_ZONE = re.compile(r"^([A-Z][a-z]+/[A-Z][a-z]+)|UTC$")  # as the schema has it


def write(stream: IO[bytes], *, private: bool = False) -> None:
    """The format has no place for meeting links: `private` makes no difference."""
    schedule = frab.schedule()
    document = {
        "$schema": SCHEMA,
        "generator": {"name": frab.GENERATOR, "url": settings.SITE_URL + "/"},
        "schedule": {
            "version": schedule.version,
            "base_url": settings.SITE_URL + "/",
            "conference": _conference(schedule),
        },
    }
    stream.write(json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n")


def _conference(schedule: frab.Schedule) -> dict[str, Any]:
    zone = {"time_zone_name": schedule.zone.key} if _ZONE.search(schedule.zone.key) else {}
    return {
        "acronym": schedule.acronym,
        "title": schedule.title,
        "start": schedule.starts_on.isoformat(),
        "end": schedule.ends_on.isoformat(),
        "daysCount": len(schedule.days),
        "timeslot_duration": frab.SLOT,
        **zone,
        "url": settings.SITE_URL + "/",
        "tracks": [
            {"name": name, **({"slug": known} if (known := frab.schema_slug(slug)) else {})}
            for name, slug in schedule.tracks.items()
        ],
        "rooms": [{"name": name, "guid": frab.uuid_of(f"/rooms/{name}")} for name in schedule.rooms],
        "days": [
            {
                "index": day.index,
                "date": day.date.isoformat(),
                "day_start": frab.written_time(day.starts_at),
                "day_end": frab.written_time(day.ends_at),
                "rooms": {name: [_event(item) for item in items] for name, items in day.rooms.items()},
            }
            for day in schedule.days
        ],
    }


def _event(item: frab.Item) -> dict[str, Any]:
    origin = {"origin_url": item.origin_url} if item.origin_url else {}
    return {
        "id": item.id,
        "guid": item.guid,
        "logo": item.logo,
        "date": frab.written_time(item.starts_at),
        "start": item.starts_at.strftime("%H:%M"),
        "end": frab.written_time(item.ends_at),
        "duration": item.duration if item.duration.count(":") == 1 else _long(item),
        "room": item.room,
        "slug": item.slug,
        "url": item.url,
        "title": item.title,
        "subtitle": item.subtitle,
        "track": item.track or None,
        "type": item.type,
        "language": None,
        "abstract": item.abstract,
        "description": item.description,
        "persons": [_person(person) for person in item.persons],
        "links": [
            {"url": link.url, "title": link.title, **({"type": link.type} if link.type else {})} for link in item.links
        ],
        "attachments": [],
        **origin,
    }


def _long(item: frab.Item) -> str:
    """The schema of the JSON has hours and minutes only, but any number of hours; `end` is exact."""
    minutes = int((item.ends_at.astimezone(dt.UTC) - item.starts_at.astimezone(dt.UTC)).total_seconds()) // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _person(person: frab.Speaker) -> dict[str, Any]:
    found = {"name": person.name, "guid": person.guid}
    optional = {
        "affiliation": person.affiliation,
        "biography": person.biography,
        "avatar": person.avatar,
        "url": person.url,
    }
    return found | {name: value for name, value in optional.items() if value}
