"""manage.py up: the whole site (broker, web, workers, beat) under one supervisor, until Ctrl-C."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from miniconf.processes.console import Console
from miniconf.processes.instance import CannotStart
from miniconf.processes.prepare import sample_wanted
from miniconf.processes.site import Site


class Command(BaseCommand):
    help = "Start the whole site: broker, web, workers and beat. Ctrl-C or SIGTERM stops it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            Site(Console(), sample=sample_wanted(default=True)).run()
        except CannotStart as error:
            raise CommandError(f"miniconf cannot start: {error}") from error
