"""manage.py undo_import: the newest import of a source taken back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from miniconf.problems import Problem
from papers.import_undo import undo
from papers.models import Import


class Command(BaseCommand):
    help = "Take an import back. Without an id, list the imports that could be."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("import_id", nargs="?", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["import_id"] is None:
            for applied in Import.objects.filter(state=Import.State.APPLIED)[:20]:
                self.stdout.write(f"{applied.pk}  {applied.applied_at:%Y-%m-%d %H:%M} UTC  {applied.source}")
            return
        record = Import.objects.filter(pk=options["import_id"]).first()
        if record is None:
            raise CommandError(f"there is no import {options['import_id']}")
        try:
            undone = undo(record)
        except Problem as problem:
            raise CommandError(problem.detail) from None
        self.stdout.write(f"{undone.restored} rows restored, {undone.deleted} deleted.")
        for what, names in (("used since, so withdrawn", undone.withdrawn), ("changed since, so kept", undone.kept)):
            for name in names[:20]:
                self.stdout.write(f"{name}: {what}")
            if len(names) > 20:
                self.stdout.write(f"… and {len(names) - 20} more {what}")
