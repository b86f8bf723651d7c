"""manage.py prepare: tables, static files and, with SAMPLE=1 and once, the sample conference."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from miniconf.processes.console import Console
from miniconf.processes.instance import CannotStart
from miniconf.processes.prepare import prepare, sample_wanted


class Command(BaseCommand):
    help = "Bring database and static files to where this version needs them; `up` does so by itself."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--without-static", action="store_true", help="Leave static files alone: an image has them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare(Console(), sample=sample_wanted(default=False), static=not options["without_static"])
        except CannotStart as error:
            raise CommandError(str(error)) from error
