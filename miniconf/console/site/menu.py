"""The menu and the footer: built-in entries, free pages, and links, in the order organizers gave them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from papers.importers.records import is_web_address
from papers.models import Page

from ..models import Appearance

PLACES = {"top": "Menu", "footer": "Footer", "hidden": "Nowhere"}
MOST_ENTRIES = 60
PAGE = "page:"


@dataclass(frozen=True)
class BuiltIn:
    label: str
    target: str  # name of a page, or a path
    place: str
    archived: bool = True  # whether a frozen site has it


BUILT_IN = {
    "papers": BuiltIn("Papers", "papers", "top"),
    "map": BuiltIn("Map", "map", "top"),
    "schedule": BuiltIn("Schedule", "schedule", "top"),
    "events": BuiltIn("Events", "events", "top"),
    "lounge": BuiltIn("Lounge", "/chat/lounge:main/", "top", archived=False),
    "help": BuiltIn("Help", "help", "top"),
    "people": BuiltIn("People", "people", "footer"),
    "sponsors": BuiltIn("Sponsors", "sponsors", "footer"),
    "announcements": BuiltIn("Announcements", "announcements", "footer"),
    "popular": BuiltIn("Most discussed", "popular", "hidden"),  # whose page is there only where it has a place
    "helpdesk": BuiltIn("Help desk", "/chat/helpdesk:main/", "footer", archived=False),
    "export": BuiltIn("Export", "export", "footer", archived=False),
    "api": BuiltIn("API", "api_docs", "footer", archived=False),
}


@dataclass(frozen=True)
class Entry:
    """A line of the menu. `what` is a key of BUILT_IN, "page:" with a slug, or an address."""

    what: str
    label: str
    place: str
    usual: str = ""  # what it is called where `label` is blank
    archived: bool = True

    @property
    def name(self) -> str:
        return self.label or self.usual

    @property
    def kind(self) -> str:
        return "built in" if self.what in BUILT_IN else "page" if self.what.startswith(PAGE) else "link"

    @property
    def url(self) -> str:
        """Blank where this site has no such page."""
        if self.kind == "link":
            # The form takes nothing else; what stands in the table by another way must not run either.
            return self.what if is_address(self.what) else "#"
        try:
            if self.kind == "page":
                return reverse("page", args=[self.what.removeprefix(PAGE)])
            target = BUILT_IN[self.what].target
            return target if target.startswith("/") else reverse(target)
        except NoReverseMatch:
            return ""

    def stored(self) -> dict[str, str]:
        return {"what": self.what, "label": self.label, "place": self.place}


def entries(appearance: Appearance) -> list[Entry]:
    """Every entry, those that are shown nowhere included.

    What organizers have not placed yet stands where it always did: free pages first in the footer, built-in entries
    last. So a page that is made later shows up by itself, and an entry of a newer version does, too.
    """
    titles = dict(Page.objects.exclude(slug="help").order_by("position", "title").values_list("slug", "title"))
    found, placed = [], set()
    for line in appearance.menu:
        what, label, place = line["what"], line.get("label", ""), line["place"]
        if what in BUILT_IN:
            found.append(Entry(what, label, place, BUILT_IN[what].label, BUILT_IN[what].archived))
        elif not what.startswith(PAGE):
            found.append(Entry(what, label, place))
        elif (slug := what.removeprefix(PAGE)) in titles:  # others were deleted
            found.append(Entry(what, label, place, titles[slug]))
        placed.add(what)
    pages = [Entry(PAGE + slug, "", "footer", title) for slug, title in titles.items() if PAGE + slug not in placed]
    rest = [
        Entry(what, "", entry.place, entry.label, entry.archived)
        for what, entry in BUILT_IN.items()
        if what not in placed
    ]
    return [*pages, *found, *rest] if not appearance.menu else [*found, *pages, *rest]


def is_address(text: str) -> bool:
    """A page of this site or of another one."""
    # Browsers read a backslash as a slash, and two of them begin the name of another site.
    here = text.startswith("/") and not text.startswith("//") and not re.search(r"[\\\s\x00-\x1f\x7f]", text)
    return here or is_web_address(text)


def stored(chosen: list[Entry]) -> list[dict[str, Any]]:
    return [entry.stored() for entry in chosen]
