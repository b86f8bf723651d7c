"""schedule.json, in the first version (days, rooms, events) and the second (one list of events), as one shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .frab_xml import Rows
from .problems import Place, Problems
from .reading import read_json

# States of the second version in which an event takes place; "SUBMITTED", "CANCELED" and the like are left out.
HAPPENS = ("", "ACCEPTED", "CONFIRMED", "DELAYED")


def read_schedule_json(path: Path, problems: Problems) -> tuple[dict[str, Any], Rows] | None:
    """The conference, and the events with their places; None after a problem."""
    data = read_json(path, problems)
    if data is None:
        return None
    expect = _Expect(path.name, problems)
    schedule = expect.mapping(expect.mapping(data, "").get("schedule"), "schedule")
    conference = dict(expect.mapping(schedule.get("conference"), "conference"))
    if expect.failed:
        return None
    generator = data.get("generator") or schedule.get("generator")
    conference["generator"] = generator.get("name", "") if isinstance(generator, dict) else ""
    conference["base_url"] = schedule.get("base_url") or conference.get("base_url") or ""
    days = expect.list_of(conference.get("days"), "days")
    conference["dates"] = [day["date"] for day in days if isinstance(day, dict) and isinstance(day.get("date"), str)]
    if "events" in schedule:
        events = expect.list_of(schedule["events"], "events")
        rows = [_second(expect, number, event, conference) for number, event in enumerate(events, 1)]
    else:
        rows = list(_first(expect, days))
    return conference, rows


class _Expect:
    """Complains about values of the wrong kind between the top and the events."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file, self.problems, self.failed = file, problems, False

    def mapping(self, value: object, row: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.failed = True
        self.problems.add(Place(self.file, row), "", "", "a mapping of fields to values was expected here")
        return {}

    def list_of(self, value: object, row: str) -> list[Any]:
        if value is None or isinstance(value, list):
            return value or []
        self.failed = True
        self.problems.add(Place(self.file, row), "", "", "a list was expected here")
        return []


def _place(file: str, number: str, event: object) -> Place:
    key = (event.get("id") or event.get("code") or event.get("guid")) if isinstance(event, dict) else ""
    return Place(file, f"event {key}" if isinstance(key, str | int) and key else number)


def _first(expect: _Expect, days: list[Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    for number, item in enumerate(days, 1):
        day = expect.mapping(item, f"day {number}")
        for room, events in expect.mapping(day.get("rooms", {}), f"day {number}, rooms").items():
            for position, event in enumerate(expect.list_of(events, f"day {number}, {room}"), 1):
                place = _place(expect.file, f"day {number}, {room}, event {position}", event)
                found = dict(expect.mapping(event, place.row))
                found["room"] = found.get("room") or room
                found["day"], found["day_start"] = day.get("date", ""), day.get("day_start", "")
                found["track"] = _name(found.get("track"))
                yield place, found


def _second(expect: _Expect, number: int, event: object, conference: dict[str, Any]) -> tuple[Place, dict[str, Any]]:
    place = _place(expect.file, f"event {number}", event)
    found = dict(expect.mapping(event, place.row))
    languages = (conference.get("defaults") or {}, conference.get("languages") or [])
    preferred = [languages[0].get("language")] if isinstance(languages[0], dict) else []
    preferred += languages[1] if isinstance(languages[1], list) else []
    for field in ("title", "subtitle", "abstract", "description"):
        found[field] = _localized(found.get(field), preferred)
    found["date"] = found.get("start")
    found["persons"] = found.get("participants")
    found["room"] = _referred(found.get("room"), conference.get("rooms"), ("guid", "slug"))
    found["track"] = _referred(found.get("track"), conference.get("tracks"), ("slug", "guid"))
    logo = found.get("logo")
    found["logo"] = logo.get("url") if isinstance(logo, dict) else logo
    return place, found


def _localized(value: object, preferred: list[Any]) -> object:
    """One text of a text in several languages: the conference's language, else the first."""
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in preferred if value.get(name)), next(iter(value.values()), ""))


def _name(value: object) -> object:
    return value.get("name", "") if isinstance(value, dict) else value


def _referred(value: object, known: object, keys: tuple[str, ...]) -> object:
    """The name of the room or track that a reference means; rooms of no list are named by the reference itself."""
    if not isinstance(value, dict):
        return value
    same: Callable[[dict[str, Any]], bool] = lambda item: any(  # noqa: E731
        value.get(key) and value.get(key) == item.get(key) for key in keys
    )
    named = (
        next((item for item in known if isinstance(item, dict) and same(item)), {}) if isinstance(known, list) else {}
    )
    return value.get("name") or named.get("name") or value.get("slug") or ""
