"""What kinds share that put one text before several models."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from .base import InputError, Kind, Options, RunCancelled, RunContext, RunFailed

if TYPE_CHECKING:
    from demos.engine import OneShot
    from demos.models import Demo

LONGEST_SECONDS = 900  # of one piece of work, waiting for a place included


class SeveralOptions(Options):
    models: list[str] = Field(default_factory=list, max_length=4, description="Models beside the demo's own")


class SeveralModels(Kind):
    """A kind whose runs choose among the demo's model and those of its options; `models` names them in the inputs."""

    Options = SeveralOptions
    fewest: ClassVar[int] = 1
    most: ClassVar[int] = 4

    def models_of(self, demo: Demo) -> list[str]:
        others = demo.options.get("models", []) if isinstance(demo.options, dict) else []
        return list(dict.fromkeys([demo.model, *(str(name) for name in others if name)]))

    def models_for(self, demo: Demo, inputs: dict[str, Any]) -> list[str]:
        return inputs.get("models") or self.models_of(demo)

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        offered = self.models_of(demo)
        chosen = list(dict.fromkeys(inputs["models"])) or offered[: self.most]
        unknown = [name for name in chosen if name not in offered]
        if unknown:
            raise InputError("models", f"{unknown[0]!r} is none of {', '.join(offered)}")
        if not self.fewest <= len(chosen) <= self.most:
            raise InputError("models", f"{len(chosen)} are chosen; expected {self.fewest} to {self.most}")
        inputs["models"] = chosen

    def form(self, demo: Demo) -> dict[str, Any]:
        return {"models": self.models_of(demo)}


class Work:
    """Work of one run on the engine: each piece waited for, all of them stopped when somebody cancels the run."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self._stops: list[Callable[[], None]] = []
        self._cancelled = threading.Event()
        context.watch_cancel(self._stop)

    def _stop(self) -> None:
        self._cancelled.set()
        for stop in list(self._stops):
            stop()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def watch(self, stop: Callable[[], None]) -> None:
        """Have `stop` called when the run is cancelled, or now if it was."""
        self._stops.append(stop)
        if self.cancelled:
            stop()

    def do(self, job: OneShot) -> Any:
        """The result of a job. Raises RunCancelled (with nothing) and RunFailed."""
        from demos.engine import RequestError
        from demos.engine.one_shot import Cancelled

        try:
            handle = self.context.engine.run(job)
            self.watch(handle.cancel)
            return handle.result(LONGEST_SECONDS)
        except Cancelled:
            raise RunCancelled({}) from None
        except RequestError as error:
            raise RunFailed(str(error)) from error
        except TimeoutError:
            handle.cancel()
            raise RunFailed(f"the model was not done after {LONGEST_SECONDS} seconds") from None

    def loaded(self, model: str) -> Any:
        """The model as the engine has it. Raises RunFailed."""
        found = next((loaded for loaded in self.context.engine.models() if loaded.name == model), None)
        if found is None:
            raise RunFailed(f"the model {model!r} had to leave this worker's memory for another; please try again")
        return found
