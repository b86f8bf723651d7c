"""The runs of demos that the frozen site shows."""

from __future__ import annotations

import re
from uuid import UUID

from django.urls import reverse

from chat.models import Message
from demos import recorded
from demos.models import Demo, Run, RunPart

_RUN_ADDRESS = re.compile(r"/runs/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class FrozenRuns:
    """Recorded runs by demo; looked up once for all pages."""

    def __init__(self) -> None:
        posted = self._posted()
        self._runs = {demo.pk: recorded.runs_of(demo, posted=posted) for demo in recorded.demos_shown()}

    @staticmethod
    def _posted() -> set[UUID]:
        """Runs whose address somebody has written in a discussion."""
        texts = Message.objects.filter(text__contains="/runs/").values_list("text", flat=True)
        return {UUID(found) for text in texts.iterator() for found in _RUN_ADDRESS.findall(text)}

    def of(self, demo: Demo) -> list[Run]:
        return self._runs.get(demo.pk, [])

    def parts(self) -> list[str]:
        """Addresses of the files that the runs left."""
        rows = RunPart.objects.filter(run__in=self.all()).order_by("run", "name").values_list("run", "name")
        return [reverse("run_part", args=row) for row in rows]

    def all(self) -> list[Run]:
        return [run for runs in self._runs.values() for run in runs]
