"""manage.py export_programme: the programme into a file of another format."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from papers.exporters import FORMATS


class Command(BaseCommand):
    help = "Export the programme; see docs/exporting.md."

    def add_arguments(self, parser: CommandParser) -> None:
        titles = "; ".join(f"{name}: {exporter.TITLE}" for name, exporter in FORMATS.items())
        parser.add_argument("format", choices=list(FORMATS), metavar="FORMAT", help=titles)
        parser.add_argument("file", nargs="?", default="", metavar="FILE", help="Where to write; - for standard output")
        parser.add_argument(
            "--private",
            action="store_true",
            help="Also the meeting links that members see, in formats that have a place for them: publish no such file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        exporter = FORMATS[options["format"]]
        if options["file"] == "-":
            stream = getattr(self.stdout, "buffer", None)
            if stream is None:
                raise CommandError("Standard output takes text only here: name a FILE.")
            exporter.write(stream, private=options["private"])
            stream.flush()
            return
        path = Path(options["file"] or exporter.FILE_NAME)
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".export-", delete=False) as file:
                try:
                    exporter.write(file, private=options["private"])
                    file.flush()
                    Path(file.name).chmod(0o600 if options["private"] else 0o644)
                    os.replace(file.name, path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes of {exporter.TITLE}")
