"""schedule.xml, valid against the published schema (frab-schedule.xsd of voc/schedule)."""

from __future__ import annotations

import re
from typing import IO
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from django.conf import settings
from django.urls import reverse

from . import frab

NAME = "frab-xml"
TITLE = "frab schedule (XML)"
DESCRIPTION = "The sessions by day and room with speakers, tracks and descriptions, for schedule apps and signs."
CONTENT_TYPE = "application/xml; charset=utf-8"
FILE_NAME = "schedule.xml"

_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def write(stream: IO[bytes], *, private: bool = False) -> None:
    """The format has no place for meeting links: `private` makes no difference."""
    schedule = frab.schedule()
    root = Element("schedule")
    SubElement(root, "generator", name=frab.GENERATOR, system=settings.SITE_URL)
    _add(root, "url", settings.SITE_URL + reverse("export_file", args=[NAME]))
    _add(root, "version", schedule.version)
    _conference(SubElement(root, "conference"), schedule)
    for day in schedule.days:
        times = {"start": frab.written_time(day.starts_at), "end": frab.written_time(day.ends_at)}
        element = SubElement(root, "day", {"index": str(day.index), "date": day.date.isoformat(), **times})
        for name, items in day.rooms.items():
            room = SubElement(element, "room", name=_text(name), guid=frab.uuid_of(f"/rooms/{name}"))
            for item in items:
                _event(room, item)
    indent(root, space=" ")
    ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)


def _conference(element: Element, schedule: frab.Schedule) -> None:
    _add(element, "title", schedule.title)
    _add(element, "acronym", schedule.acronym)
    _add(element, "start", schedule.starts_on.isoformat())
    _add(element, "end", schedule.ends_on.isoformat())
    _add(element, "days", str(len(schedule.days)))
    _add(element, "timeslot_duration", frab.SLOT)
    _add(element, "base_url", settings.SITE_URL + "/")
    _add(element, "url", settings.SITE_URL + "/")
    _add(element, "time_zone_name", schedule.zone.key)
    for name, slug in schedule.tracks.items():
        known = {"slug": known_slug} if (known_slug := frab.schema_slug(slug)) else {}
        SubElement(element, "track", {"name": _text(name), **known})


def _event(room: Element, item: frab.Item) -> None:
    event = SubElement(room, "event", id=str(item.id), guid=item.guid)
    _add(event, "date", frab.written_time(item.starts_at))
    _add(event, "start", item.starts_at.strftime("%H:%M"))
    _add(event, "duration", item.duration)
    for name in ("room", "slug", "url", "title", "subtitle", "track", "type"):
        _add(event, name, getattr(item, name))
    _add(event, "abstract", item.abstract)
    _add(event, "description", item.description)
    if item.logo:
        _add(event, "logo", item.logo)
    if item.origin_url:
        _add(event, "origin_url", item.origin_url)
    persons = SubElement(event, "persons")
    for person in item.persons:
        SubElement(persons, "person", id=str(person.id), guid=person.guid).text = _text(person.name)
    links = SubElement(event, "links")
    for link in item.links:
        kind = {"type": link.type} if link.type else {}
        SubElement(links, "link", {"href": _text(link.url), **kind}).text = _text(link.title)


def _add(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _text(text)


def _text(value: str) -> str:
    return _NOT_XML.sub("", value)
