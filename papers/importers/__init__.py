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
    from .options import ReadOptions
    from .problems import Problems
    from .programme import Programme
    from .report import Report


class Format(Protocol):
    NAME: str
    TITLE: str

    def recognises(self, folder: Path) -> bool: ...

    def read(self, folder: Path, options: ReadOptions, problems: Problems) -> Programme: ...


def formats() -> dict[str, Format]:
    """All formats by name, in the order in which they are tried."""
    from . import native, sitedata  # late, since models are needed and apps import `importers.extensions` early

    modules: tuple[Format, ...] = (native, sitedata)
    return {module.NAME: module for module in modules}


def import_programme(
    folder: Path,
    *,
    format_name: str = "",
    source: str = "",
    timezone: str = "",
    dry_run: bool = False,
    with_accounts: bool = False,
) -> Report:
    """Read `folder` and store what it holds; in a dry run, only say what would be done.

    Raises ImportFailed with every problem found; then nothing has changed.
    """
    from .options import ReadOptions
    from .problems import Place, Problems
    from .reconcile import reconcile
    from .records import zone_named
    from .report import Report
    from .validation import check

    problems = Problems()
    zone = zone_named(timezone) if timezone else None
    if timezone and zone is None:
        problems.add(Place("--timezone"), "", "", f"{timezone} is no time zone; one like Europe/Berlin was expected")
    if not folder.is_dir():
        problems.add(Place(str(folder)), "", "", "no such folder" if not folder.exists() else "is no folder")
    problems.stop_if_any()

    known = formats()
    if format_name and format_name not in known:
        problems.add(Place("--format"), "", "", f"{format_name} is unknown; there are {', '.join(known)}")
        problems.stop_if_any()
    chosen = known.get(format_name) or next((f for f in known.values() if f.recognises(folder)), None)
    if chosen is None:
        problems.add(
            Place(str(folder)),
            "",
            "",
            "no format recognised: conference.yml (native) or papers.csv (sitedata) was expected",
        )
        problems.stop_if_any()
        raise AssertionError

    named = getattr(chosen, "source_name", lambda _folder: "")(folder)
    source = source or named or slugify(folder.resolve().name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", source):
        problems.add(
            Place(str(folder)), "source", source, "up to 40 small letters, digits and -; choose one with --source NAME"
        )
        problems.stop_if_any()

    programme = chosen.read(folder, ReadOptions(source=source, zone=zone), problems)
    check(programme, problems)
    problems.stop_if_any()
    report = Report(source=source, title=chosen.TITLE, dry_run=dry_run, notes=list(programme.notes))
    reconcile(programme, report, with_accounts=with_accounts)
    return report
