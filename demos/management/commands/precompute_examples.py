"""manage.py precompute_examples: the results of the demos' examples, computed before anybody asks."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from demos import kinds
from demos.models import Demo, Run
from demos.precompute import precompute
from miniconf.problems import Problem


class Command(BaseCommand):
    help = "Queue the examples of demos that have no stored result (docs/demos.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="Demos; without any, all that are published")
        parser.add_argument(
            "--wait", type=int, default=0, metavar="SECONDS", help="Wait so long for the results and tell of them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queued: list[Run] = []
        for demo in self._demos(options["slugs"]):
            try:
                runs = precompute(demo)
            except Problem as problem:
                raise CommandError(f"{demo.slug}: {problem.detail}") from None
            self.stdout.write(f"{demo.slug}: {len(runs)} of {len(demo.examples)} examples queued")
            queued += runs
        if options["wait"] and queued:
            self._wait(queued, options["wait"])

    def _demos(self, slugs: list[str]) -> list[Demo]:
        if not slugs:
            return list(Demo.objects.filter(enabled=True, kind__in=kinds.KINDS))
        demos = list(Demo.objects.filter(slug__in=slugs, kind__in=kinds.KINDS))
        if missing := sorted(set(slugs) - {demo.slug for demo in demos}):
            raise CommandError(f"There is no demo {missing[0]!r}.")
        return demos

    def _wait(self, queued: list[Run], seconds: int) -> None:
        until = time.monotonic() + seconds
        mine = Run.objects.filter(pk__in=[run.pk for run in queued])
        while unfinished := mine.exclude(state__in=Run.FINISHED).count():
            if time.monotonic() > until:
                raise CommandError(f"{unfinished} of {len(queued)} runs have not ended after {seconds} s.")
            time.sleep(0.5)
        failed = mine.exclude(state=Run.State.SUCCEEDED).select_related("demo").first()
        if failed is not None:
            raise CommandError(f"{failed.demo.slug}: run {failed.pk} {failed.state}: {failed.error}")
        self.stdout.write(f"{len(queued)} results are stored")
