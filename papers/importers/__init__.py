"""Importing a programme: one module per format, one common structure, one reconciliation with the database.

A format is a module with NAME, TITLE, `recognises(folder)` and `read(folder, options, problems)`; it may have
`source_name(folder)`. To add one, write the module and name it in `formats()`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from django.utils.text import slugify

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from .options import ReadOptions
    from .problems import Problems
    from .programme import Programme
    from .reconcile import Progress
    from .report import Report


class Format(Protocol):
    NAME: str
    TITLE: str

    def recognises(self, folder: Path) -> bool: ...

    def read(self, folder: Path, options: ReadOptions, problems: Problems) -> Programme: ...


def formats() -> dict[str, Format]:
    """All formats by name, in the order in which they are tried."""
    # late, since models are needed and apps import `importers.extensions` early
    from . import (
        acl2020,
        conference_json,
        emnlp2020,
        exported_json,
        frab,
        ical,
        mapping,
        native,
        openreview,
        sitedata,
        tables,
    )

    family = (acl2020, emnlp2020, conference_json, mapping)
    modules: tuple[Format, ...] = (native, exported_json, *family, tables, sitedata, frab, ical, openreview)
    return {module.NAME: module for module in modules}


def import_programme(
    sources: Path | list[Path],
    *,
    format_name: str = "",
    source: str = "",
    timezone: str = "",
    mapping: Path | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    with_accounts: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Read `sources` (a folder, a zip, or files) and store what they hold; in a dry run, only say what would be done.

    Raises ImportFailed with every problem found; then nothing has changed.
    """
    from .problems import Place, Problems
    from .reconcile import reconcile
    from .records import zone_named
    from .report import Report
    from .unpack import opened

    problems = Problems()
    zone = zone_named(timezone) if timezone else None
    if timezone and zone is None:
        problems.add(Place("--timezone"), "", "", f"{timezone} is no time zone; one like Europe/Berlin was expected")
    if format_name and format_name not in formats():
        problems.add(Place("--format"), "", "", f"{format_name} is unknown; there are {', '.join(formats())}")
    problems.stop_if_any()
    with opened([sources] if isinstance(sources, Path) else sources, problems) as folder:
        if progress:
            progress("reading", 0, 1)
        chosen, programme = _read(folder, format_name, source, zone, mapping, problems)
        report = Report(source=programme.source, title=chosen.TITLE, dry_run=dry_run, notes=list(programme.notes))
        reconcile(programme, report, with_accounts=with_accounts, overwrite=overwrite, progress=progress)
    return report


def _read(
    folder: Path, format_name: str, source: str, zone: ZoneInfo | None, mapping: Path | None, problems: Problems
) -> tuple[Format, Programme]:
    """The folder's format, and its programme, checked."""
    from .options import ReadOptions
    from .private import keep_meetings_private
    from .problems import Place
    from .times import leftovers
    from .validation import check

    known = formats()
    chosen = known.get(format_name) or next((f for f in known.values() if f.recognises(folder)), None)
    if mapping is not None and not format_name:
        chosen = known.get("map") or known["sitedata"]
    if chosen is None:
        problems.add(
            Place(folder.name),
            "",
            "",
            "no format recognised; docs/importing.md says by which files each is: " + ", ".join(known),
        )
        problems.stop_if_any()
        raise AssertionError
    named = getattr(chosen, "source_name", lambda _folder: "")(folder)
    source = source or named or slugify(folder.resolve().name)[:40].strip("-")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", source):
        problems.add(
            Place(folder.name), "source", source, "up to 40 small letters, digits and -; choose one with --source NAME"
        )
        problems.stop_if_any()
    programme = chosen.read(folder, ReadOptions(source=source, zone=zone, mapping=mapping), problems)
    notes = keep_meetings_private(programme) + leftovers((s.place, s.starts_at) for s in programme.sessions)
    programme.notes += [note for note in notes if note not in programme.notes]  # some formats look by themselves
    check(programme, problems)
    problems.stop_if_any()
    return chosen, programme
