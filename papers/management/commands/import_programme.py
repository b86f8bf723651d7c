"""manage.py import_programme: a conference's files into the site, all of it or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from papers import importers, imports
from papers.importers.problems import ImportFailed
from papers.models import Import


class Command(BaseCommand):
    help = "Import a programme (papers, people, sessions, events); see docs/importing.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "sources", metavar="SOURCE", nargs="+", type=Path, help="A folder, a zip of one, or one or several files"
        )
        parser.add_argument(
            "--format", default="", help=f"One of {', '.join(importers.formats())}; recognised if not given"
        )
        parser.add_argument(
            "--source", default="", metavar="NAME", help="Name of this source; the folder's or file's if not given"
        )
        parser.add_argument("--timezone", default="", metavar="ZONE", help="Zone of times written without one")
        parser.add_argument("--map", type=Path, metavar="FILE", help="Which columns mean what (docs/importing.md)")
        parser.add_argument("--overwrite", action="store_true", help="The source wins over what was edited here")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, and change nothing")
        parser.add_argument("--with-accounts", action="store_true", help="Also make the accounts of people.yml")
        parser.add_argument("--json", action="store_true", help="Report, or problems, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        sources: list[Path] = options["sources"]
        named = ", ".join(map(str, sources))
        try:
            with transaction.atomic():
                report = importers.import_programme(
                    sources,
                    format_name=options["format"],
                    source=options["source"],
                    timezone=options["timezone"],
                    mapping=options["map"],
                    overwrite=options["overwrite"],
                    dry_run=options["dry_run"],
                    with_accounts=options["with_accounts"],
                )
                if not report.dry_run and report.changes:
                    record = Import(files=[path.name for path in sources], options={"command line": True})
                    imports.keep_report(record, report)
                    imports.after_change()
        except ImportFailed as failed:
            if options["json"]:
                self.stdout.write(json.dumps(failed.problems.as_dict(), ensure_ascii=False, indent=2))
                raise CommandError(f"{named}: not imported; nothing was changed") from None
            raise CommandError(f"{named}: {failed}") from None
        except OSError as error:  # the disk is full, or a media file could not be copied
            raise CommandError(f"{error.filename or named}: {error.strerror}; nothing was changed") from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
            return
        for line in report.lines():
            self.stdout.write(line)
        if not report.dry_run and report.changes:
            self.stdout.write(f"`manage.py undo_import {record.pk}` takes this back.")
