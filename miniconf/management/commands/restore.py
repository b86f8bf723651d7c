"""manage.py restore: read a backup into an empty site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from miniconf.backups.restoring import CannotRestore, restore_backup
from miniconf.processes.instance import running_site


class Command(BaseCommand):
    help = "Read a backup into an empty site (a new data folder or database); older backups are brought up to date."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        if holder := running_site(Path(settings.DATA_DIR)):
            raise CommandError(f"a site runs on this data folder (process {holder['pid']}); stop it first")
        try:
            manifest = restore_backup(options["file"].resolve())
        except CannotRestore as error:
            raise CommandError(str(error)) from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"the backup could not be restored: {error}") from error
        rows = sum(manifest["rows"].values())
        self.stdout.write(f"{rows:,} rows of {manifest['made_at']} restored; start the site as usual.")
