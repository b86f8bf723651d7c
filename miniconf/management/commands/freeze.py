"""manage.py freeze: the whole conference as static files."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from demos import kinds, recorded
from demos.models import Run
from demos.panels import SHOWN_ALTERNATIVES
from demos.services import create_run
from miniconf.frozen.freezing import CannotFreeze, freeze
from miniconf.frozen.rendering import NotRendered
from miniconf.live import BrokerDown
from miniconf.problems import Problem

_AT_ONCE = 8  # runs of examples that wait or go on together: far below what one visitor may have


class Command(BaseCommand):
    help = (
        "Write the public conference as static files that work from any web server or from a disk (docs/exporting.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="New, empty, or an earlier frozen site")
        parser.add_argument("--without-videos", action="store_true", help="Leave out films, which are most of the size")
        parser.add_argument(
            "--record", type=int, default=0, metavar="SECONDS",
            help="First run the demos' examples that nobody has run, waiting so long for all of them",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if options["record"]:
            self._record(options["record"])
        with tqdm(unit=" pages", disable=not sys.stderr.isatty()) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                pages = freeze(options["folder"].resolve(), videos=not options["without_videos"], progress=progress)
            except (CannotFreeze, NotRendered) as error:
                raise CommandError(str(error)) from None
        size = sum(path.stat().st_size for path in options["folder"].rglob("*") if path.is_file())
        self.stdout.write(f"{pages:,} pages, {size / 1e6:.1f} MB in {options['folder']}; begin with index.html")

    def _record(self, seconds: int) -> None:
        until = time.monotonic() + seconds
        waiting: list[UUID] = []
        missing = recorded.missing_examples()
        for n, (demo, inputs) in enumerate(missing):
            if not self._wait(waiting, fewer_than=_AT_ONCE, until=until):
                self.stdout.write(f"{len(missing) - n} examples were not begun in {seconds} s; they are left out")
                break
            try:
                given = {**kinds.get(demo.kind).inputs_for(demo), **inputs}
                if "alternatives" in given:
                    given["alternatives"] = SHOWN_ALTERNATIVES  # who looks back at a run wants to see them
                waiting.append(create_run(demo=demo, inputs=given, user=AnonymousUser(), visitor="freeze").pk)
            except (Problem, BrokerDown) as error:
                self.stdout.write(f"{demo.slug}: an example was not run: {error}")
        if not self._wait(waiting, fewer_than=1, until=until):
            left = _unfinished(waiting)
            self.stdout.write(f"{left} examples were not finished in {seconds} s; they are left out")

    @staticmethod
    def _wait(runs: list[UUID], *, fewer_than: int, until: float) -> bool:
        """Wait until fewer of these runs than that are unfinished; whether they were in time."""
        while _unfinished(runs) >= fewer_than:
            if time.monotonic() >= until:
                return False
            time.sleep(0.5)
        return True


def _unfinished(runs: list[UUID]) -> int:
    return Run.objects.filter(pk__in=runs).exclude(state__in=Run.FINISHED).count()
