"""manage.py freeze: the whole conference as static files."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

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
        waiting = []
        for demo, inputs in recorded.missing_examples():
            try:
                given = {**kinds.get(demo.kind).inputs_for(demo), **inputs}
                if "alternatives" in given:
                    given["alternatives"] = SHOWN_ALTERNATIVES  # who looks back at a run wants to see them
                waiting.append(create_run(demo=demo, inputs=given, user=AnonymousUser(), visitor="freeze").pk)
            except (Problem, BrokerDown) as error:
                self.stdout.write(f"{demo.slug}: an example was not run: {error}")
        until = time.monotonic() + seconds
        unfinished = Run.objects.filter(pk__in=waiting).exclude(state__in=Run.FINISHED)
        while time.monotonic() < until and unfinished.exists():
            time.sleep(0.5)
        if left := unfinished.count():
            self.stdout.write(f"{left} examples were not finished in {seconds} s; they are left out")
