"""`manage.py compute_similarity`: similar papers and the map, now and in this process."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from papers.only_one import only_one
from papers.similarity import service
from papers.similarity.embedding import ModelUnusable


class Command(BaseCommand):
    help = "Compute similar papers and the paper map for what has changed; a worker does the same every ten minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="compute everything again, also what has not changed")

    def handle(self, *args: Any, **options: Any) -> None:
        everything, model = options["all"], service.wanted_model()
        with only_one("similarity") as alone:
            if not alone:
                raise CommandError("a worker is computing at this moment; try again when it is done")
            began = time.monotonic()
            try:
                if model:
                    count = service.update_with_model(model, everything=everything, device=settings.ENGINE_DEVICE)
                else:
                    count = service.update_with_tfidf(everything=everything)
            except ModelUnusable as error:
                raise CommandError(str(error)) from error
            method = service.method_label(service.method_of(model) if model else service.TF_IDF)
            self._say(f"Similar papers by {method}: {count:,} new or changed", began)
            began = time.monotonic()
            if placed := service.update_map(everything=everything):
                self._say(f"Map: {placed:,} papers placed", began)
            elif service.all_have_imported_places():
                self.stdout.write("Map: places as imported")
            else:
                self.stdout.write("Map: nothing to do")

    def _say(self, sentence: str, began: float) -> None:
        self.stdout.write(f"{sentence} ({time.monotonic() - began:.1f} s)")
