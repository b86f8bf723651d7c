"""manage.py import_programme: a folder of conference files into the site, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from papers import importers
from papers.importers.problems import ImportFailed


class Command(BaseCommand):
    help = "Import a programme (papers, people, sessions, events) from a folder; see docs/importing.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source_folder", metavar="SOURCE", type=Path, help="The folder to import")
        parser.add_argument(
            "--format", default="", help=f"One of {', '.join(importers.formats())}; recognised if not given"
        )
        parser.add_argument(
            "--source", default="", metavar="NAME", help="Name of this source; the folder's if not given"
        )
        parser.add_argument("--timezone", default="", metavar="ZONE", help="Zone of times written without one")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, and change nothing")
        parser.add_argument("--with-accounts", action="store_true", help="Also make the accounts of people.yml")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = importers.import_programme(
                options["source_folder"],
                format_name=options["format"],
                source=options["source"],
                timezone=options["timezone"],
                dry_run=options["dry_run"],
                with_accounts=options["with_accounts"],
            )
        except ImportFailed as failed:
            raise CommandError(f"{options['source_folder']}: {failed}") from None
        except OSError as error:  # the disk is full, or a media file could not be copied
            raise CommandError(
                f"{error.filename or options['source_folder']}: {error.strerror}; nothing was changed"
            ) from None
        for line in report.lines():
            self.stdout.write(line)
