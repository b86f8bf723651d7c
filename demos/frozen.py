"""Recorded runs as the frozen site shows them: the text as it was written, and what a script needs to play it again."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from .models import Run
from .parts import part_bytes
from .recorded import is_of
from .run_pages import RunView, beginning
from .services import run_as_dict

_TITLE = 70  # letters
LARGEST_EMBEDDED = 2**20  # bytes of a part


@dataclass(frozen=True)
class FrozenRun:
    run: Run

    @property
    def title(self) -> str:
        """The example's title, else the beginning of the prompt."""
        for example in self.run.demo.examples:
            if is_of(self.run, example["inputs"]):
                return str(example["title"])
        return beginning(self.run, _TITLE) or "A run"

    @property
    def slug(self) -> str:
        return f"{self.run.demo.slug}-{self.run.pk.hex[:8]}"

    @property
    def view(self) -> RunView:
        return RunView(self.run.demo, self.run)

    @property
    def data_id(self) -> str:
        return f"run-data-{self.run.pk}"

    @property
    def data(self) -> dict[str, Any]:
        """What scripts find in place of the API: the run's record, and its parts, since from a disk nothing is fetched."""
        record = json.loads(json.dumps(run_as_dict(self.run), cls=DjangoJSONEncoder))
        small = self.run.parts.filter(size__lte=LARGEST_EMBEDDED).order_by("name")
        return {**record, "parts": {part.name: base64.b64encode(part_bytes(part)).decode() for part in small}}
