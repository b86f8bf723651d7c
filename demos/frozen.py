"""Recorded runs as the frozen site shows them: the text as it was written, and what a script needs to play it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .models import Run
from .recorded import is_of
from .run_pages import status_line
from .token_text import shown_tokens

_TITLE = 70  # letters


@dataclass(frozen=True)
class FrozenRun:
    run: Run

    @property
    def title(self) -> str:
        """The example's title, else the beginning of the prompt."""
        for example in self.run.demo.examples:
            if is_of(self.run, example["inputs"]):
                return str(example["title"])
        text = " ".join(str(self.run.inputs.get("prompt", "")).split())
        return f"{text[:_TITLE]} …" if len(text) > _TITLE else text or "A run"

    @property
    def slug(self) -> str:
        return f"{self.run.demo.slug}-{self.run.pk.hex[:8]}"

    @property
    def template(self) -> str:
        return f"demos/kinds/{self.run.demo.kind}_run.html"

    @property
    def status(self) -> str:
        return status_line(self.run, None)

    @property
    def tokens(self) -> Any:
        return shown_tokens(self.run.output)

    @property
    def data_id(self) -> str:
        return f"run-data-{self.run.pk}"

    @property
    def data(self) -> dict[str, Any]:
        """What static/frozen/replay.js plays: the prompt, the tokens, and how long they took."""
        took = 0.0
        if self.run.started_at and self.run.finished_at:
            took = (self.run.finished_at - self.run.started_at).total_seconds()
        tokens = (self.run.output or {}).get("tokens", [])
        return {"prompt": self.run.inputs.get("prompt", ""), "tokens": tokens, "seconds": took}
