"""schedule.xml as the dictionaries that schedule.json would hold, read so that no file can do harm.

A document type, and with it every entity, is refused; so are files nested deeper or with more elements than any
schedule has. Whatever encoding the file declares is taken, as XML has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .problems import Place, Problems
from .reading import read_bytes

MOST_ELEMENTS = 2_000_000
DEEPEST = 50
_PIECE = 1 << 20


class _TooMuch(ValueError):
    pass


class _Builder(TreeBuilder):
    """Builds the tree, counts, and remembers on which line each event begins."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = self.count = 0
        self.lines: list[int] = []
        self.parser: Any = None

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self.depth += 1
        self.count += 1
        if self.depth > DEEPEST:
            raise _TooMuch(f"is nested deeper than {DEEPEST} elements")
        if self.count > MOST_ELEMENTS:
            raise _TooMuch(f"has more than {MOST_ELEMENTS:,} elements")
        if tag == "event":
            self.lines.append(self.parser.CurrentLineNumber)
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Any:
        self.depth -= 1
        return super().end(tag)


Rows = list[tuple[Place, dict[str, Any]]]


def read_xml(path: Path, problems: Problems) -> tuple[dict[str, Any], Rows] | None:
    """The conference, and the events with their places; None after a problem."""
    data = read_bytes(path, problems)
    if data is None:
        return None
    builder = _Builder()
    parser: Any = DefusedXMLParser(target=builder, forbid_dtd=True)
    builder.parser = parser.parser
    try:
        for start in range(0, len(data), _PIECE):
            parser.feed(data[start : start + _PIECE])
        root: Element = parser.close()
    except DefusedXmlException:
        line = builder.parser.CurrentLineNumber
        problems.add(
            Place(path.name, f"line {line}"), "", "", "a schedule without <!DOCTYPE> and entities was expected"
        )
        return None
    except ParseError as error:
        problems.add(Place(path.name, f"line {error.position[0]}"), "", "", f"is not XML: {error.msg}")
        return None
    except (_TooMuch, LookupError, ValueError) as error:
        problems.add(Place(path.name, f"line {builder.parser.CurrentLineNumber}"), "", "", f"cannot be read: {error}")
        return None
    if root.tag != "schedule":
        problems.add(Place(path.name), "root element", root.tag, "schedule")
        return None
    return _conference(root), _rows(path.name, root, builder.lines)


def _text(element: Element | None) -> str:
    """All text of an element. Where somebody forgot to escape HTML, that is what is inside of its tags."""
    return "".join(element.itertext()) if element is not None else ""


def _conference(root: Element) -> dict[str, Any]:
    conference = root.find("conference")
    found: dict[str, Any] = {child.tag: _text(child) for child in conference} if conference is not None else {}
    generator = root.find("generator")
    found["generator"] = generator.get("name", "") if generator is not None else ""
    found["dates"] = [date for day in root.iter("day") if (date := day.get("date"))]
    return found


def _rows(file: str, root: Element, lines: list[int]) -> Rows:
    rows: Rows = []
    line_of = dict(zip(map(id, root.iter("event")), lines, strict=True))
    for day in root.iter("day"):
        for room in day.iter("room"):
            for event in room.findall("event"):
                key = event.get("id") or event.get("guid")
                row = f"line {line_of[id(event)]}" + (f", event {key}" if key else "")
                rows.append((Place(file, row), _event(event, room.get("name", ""), day)))
    return rows


def _event(event: Element, room: str, day: Element) -> dict[str, Any]:
    found: dict[str, Any] = {
        child.tag: _text(child) for child in event if child.tag not in ("persons", "links", "attachments", "recording")
    }
    found |= {name: value for name in ("id", "guid", "code") if (value := event.get(name)) is not None}
    found.setdefault("room", room)
    if not found["room"].strip():
        found["room"] = room
    found["day"], found["day_start"] = day.get("date", ""), day.get("start", "")
    found["persons"] = [{"name": _text(person)} for person in event.iterfind("persons/person")]
    for name, path in (("links", "links/link"), ("attachments", "attachments/attachment")):
        found[name] = [
            {"url": link.get("href", ""), "title": _text(link), "type": link.get("type", "")}
            for link in event.iterfind(path)
        ]
    return found
