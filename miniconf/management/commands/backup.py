"""manage.py backup: the whole site in one file, while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from miniconf.backups.writing import CannotBackUp, write_backup
from miniconf.console.models import BackupMade

KEPT = 50  # backups that the checklist knows of


class Command(BaseCommand):
    help = (
        "Write database, files and secret key into one file; the site may run meanwhile. Keep it as you keep passwords."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.zip")
        parser.add_argument("--without-media", action="store_true", help="Leave out films, posters and pictures")
        parser.add_argument("--overwrite", action="store_true", help="Take the place of an earlier file")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"].resolve()
        if file.exists() and not options["overwrite"]:
            raise CommandError(f"{file} is there already; --overwrite takes its place")
        if not file.parent.is_dir():
            raise CommandError(f"there is no folder {file.parent}")
        try:
            manifest = write_backup(file, media=not options["without_media"])
        except (CannotBackUp, OSError, DatabaseError) as error:
            raise CommandError(f"no backup was written: {error}") from error
        BackupMade.objects.create(size=file.stat().st_size, media=not options["without_media"])
        BackupMade.objects.filter(pk__in=list(BackupMade.objects.values_list("pk", flat=True)[KEPT:])).delete()
        rows = sum(manifest["rows"].values())
        media = f", {manifest['media']['files']:,} files" if manifest["media"] else ", no files"
        self.stdout.write(f"{rows:,} rows{media}, {file.stat().st_size / 1e6:.1f} MB in {file}")
