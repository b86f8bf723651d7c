"""What a kind of demo is: typed inputs with bounds, and how a worker runs them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from miniconf.problems import Problem

if TYPE_CHECKING:
    from demos.engine import Engine
    from demos.models import Demo, Run


class Inputs(BaseModel):
    """Base of every kind's inputs: what is not declared is refused, and no number is NaN or infinite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class InputError(ValueError):
    """One input is not acceptable; `field` names it, the message says what was expected."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Options(BaseModel):
    """Base of every kind's options: what who sets up a demo chooses, and who runs it does not."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Log(Protocol):
    """Where a running demo reports to. May be called from any thread.

    Events are kept, numbered and shown to all who watch. A run that is taken up again after its worker died repeats
    events; one with the same type and key as before is passed over, so nobody sees it twice.
    """

    def started(self) -> None:
        """The work has begun: it waits no longer."""

    def tokens(self, tokens: list[dict[str, Any]], stream: int = 0) -> None:
        """Tokens {i, id, text, p, top} of one of the run's texts; the key is stream and i."""

    def emit(self, type: str, data: dict[str, Any], *, key: str = "") -> None:
        """An event of the kind's own; without `key` the n-th of its type is the n-th of its type the next time, too."""

    def progress(self, done: int, total: int, label: str = "") -> None:
        """How far it is, in words and numbers; the latest counts, and it is not kept."""


class Parts(Protocol):
    """Where a running demo leaves what does not fit into JSON; `fetchPart` of static/demos/parts.js reads it."""

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Keep bytes with the run under a name, and tell those who watch (event `part`). Raises RunFailed if too large."""


@dataclass(frozen=True)
class RunContext:
    """What a worker gives a kind to run with. `watch_cancel` is told how to stop what has been started.

    `models` are those of `Kind.models_for`, all loaded; `model` is the demo's own; `options` is the kind's `Options`.
    """

    engine: Engine
    model: str
    inputs: dict[str, Any]
    log: Log
    watch_cancel: Callable[[Callable[[], None]], None]
    models: list[str]
    options: Any
    parts: Parts


class RunCancelled(Exception):
    """The run was cancelled; `output` is what there was by then."""

    def __init__(self, output: dict[str, Any]) -> None:
        super().__init__("cancelled")
        self.output = output


class RunFailed(Exception):
    """The run cannot be done; the message is for the person who asked."""


_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@lru_cache(maxsize=256)
def _properties(inputs: type[Inputs]) -> dict[str, Any]:
    """The schema of each input."""
    properties: dict[str, Any] = inputs.model_json_schema().get("properties", {})
    return properties


class Kind:
    """A kind of demo. Subclasses set `name`, `title`, `Inputs`, perhaps `Options`, and write `check`, `run` and `shown`."""

    name: ClassVar[str]
    title: ClassVar[str]
    Inputs: ClassVar[type[Inputs]]
    Options: ClassVar[type[Options]] = Options
    # The input that a run is recognized by: its beginning stands on cards and in lists.
    headline: ClassVar[str] = "prompt"
    # Whether runs have a seed, so that another try makes sense.
    seeded: ClassVar[bool] = False
    # To be raised when the same inputs come to give another output: stored results of before are used no more.
    version: ClassVar[int] = 1
    # Whether texts may hold control characters: for kinds that show what a text is made of. NUL no text may hold.
    any_signs: ClassVar[bool] = False
    # Inputs that only a run gives: no presets, no part of examples.
    not_preset: ClassVar[frozenset[str]] = frozenset({"parent", "parent_token"})
    # Bounds that a demo may narrow besides those of numeric inputs: name -> (what it bounds, the kind's own bound).
    further_limits: ClassVar[dict[str, tuple[str, int]]] = {}

    def options_for(self, demo: Demo) -> Any:
        """The demo's options, complete and checked. Raises Problem 422 naming each field as `options.<name>`."""
        try:
            return self.Options.model_validate(demo.options)
        except ValidationError as invalid:
            errors = [
                {"field": ".".join(["options", *map(str, error["loc"])]), "message": _sentence(error)}
                for error in invalid.errors(include_url=False)[:20]
            ]
            raise Problem(
                status=422,
                title="This demo is not set up rightly",
                detail="; ".join(f"{e['field']}: {e['message']}" for e in errors[:5]),
                extra={"errors": errors},
            ) from invalid

    def models_of(self, demo: Demo) -> list[str]:
        """All models that runs of this demo may need, the demo's own first: a worker has them ready."""
        return [demo.model]

    def models_for(self, demo: Demo, inputs: dict[str, Any]) -> list[str]:
        """The models that a run with these inputs needs."""
        return self.models_of(demo)

    def inputs_for(self, demo: Demo) -> dict[str, Any]:
        """What the form starts with: the kind's defaults under the demo's own."""
        return {**self._declared(), **{k: v for k, v in demo.defaults.items() if k in self.Inputs.model_fields}}

    def _declared(self) -> dict[str, Any]:
        return {
            name: field.get_default(call_default_factory=True, validated_data={})
            for name, field in self.Inputs.model_fields.items()
            if not field.is_required()
        }

    def complete(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs of a run that was asked for before the kind had all of its inputs: those it lacks are the kind's own."""
        return {**self._declared(), **inputs}

    def limits_for(self, demo: Demo) -> dict[str, dict[str, float]]:
        """Bounds of each numeric input: {"temperature": {"minimum": 0, "maximum": 2}, ...}."""
        limits: dict[str, dict[str, float]] = {}
        for name, schema in _properties(self.Inputs).items():
            variants = [schema, *schema.get("anyOf", [])]
            bounds = {
                key: variant[key]
                for variant in variants
                for key in ("minimum", "maximum", "minLength", "maxLength")
                if key in variant
            }
            if name in demo.limits and "maximum" in bounds:
                bounds["maximum"] = min(bounds["maximum"], demo.limits[name])
            if bounds:
                limits[name] = bounds
        return limits

    def validate(self, demo: Demo, raw: dict[str, Any]) -> dict[str, Any]:
        """Complete and check inputs: what is missing is taken from `inputs_for`. Raises Problem 422 naming each field."""
        errors: list[dict[str, str]] = []
        try:
            inputs = self.Inputs.model_validate({**self.inputs_for(demo), **raw}).model_dump()
        except ValidationError as invalid:
            errors = [
                {"field": ".".join(str(part) for part in error["loc"]) or "inputs", "message": _sentence(error)}
                for error in invalid.errors(include_url=False)
            ]
        else:
            for name, bounds in self.limits_for(demo).items():
                if name in demo.limits and inputs.get(name) is not None and inputs[name] > bounds["maximum"]:
                    errors.append({"field": name, "message": f"must be at most {bounds['maximum']} in this demo"})
            try:
                for name, value in inputs.items():
                    self._check_signs(name, value)
                self.check(demo, inputs)
            except InputError as error:
                errors.append({"field": error.field, "message": str(error)})
        if errors:
            raise Problem(
                status=422,
                title="These inputs cannot be run",
                detail="; ".join(f"{e['field']}: {e['message']}" for e in errors[:5]),
                extra={"errors": errors[:20]},
            )
        return inputs

    def _check_signs(self, name: str, value: Any) -> None:
        """Refuse texts that are none: a database cannot keep NUL or half a character. Raises InputError."""
        if isinstance(value, list):
            for item in value:
                self._check_signs(name, item)
        elif isinstance(value, str):
            found = (_NO_TEXT if self.any_signs else _CONTROL).search(value)
            if found:
                what = "the control character" if found[0] < " " else "half a character,"
                raise InputError(name, f"contains {what} U+{ord(found[0]):04X}; expected text")

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        """Refuse what types alone cannot; fill in what was left open. Raises InputError."""

    def output_depends_on(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """Of complete inputs those that the output follows from; None where it is left to chance.

        A result is stored under them (demos/stored.py). At temperature 0 nothing is drawn.
        """
        drawing = ("seed", "top_k", "top_p") if inputs.get("temperature") == 0 else ()
        return {name: value for name, value in inputs.items() if name not in drawing}

    def run(self, context: RunContext) -> dict[str, Any]:
        """On a worker: do it and return the output, JSON values. Raises RunCancelled and RunFailed."""
        raise TypeError(f"{type(self).__name__} does not say how it runs")

    def form(self, demo: Demo) -> dict[str, Any]:
        """What the form's template needs besides inputs, limits and errors; there it is called `form`."""
        return {}

    def preview(self, demo: Demo, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """What can be said of complete inputs at once, in the web process; templates/demos/previews/<name>.html shows it."""
        return None

    def shown(self, run: Run) -> dict[str, Any]:
        """What templates/demos/results/<name>.html needs besides `run`: the output in words, shades and rows."""
        return {}

    def outcome(self, run: Run) -> str:
        """A finished run's result in a line of text, for cards: the beginning of what was written, a size, a label."""
        return str((run.output or {}).get("text", ""))


_EXPECTED = {
    "extra_forbidden": "is not an input of this demo",
    "missing": "is required",
    "finite_number": "must be a finite number",
}


def _sentence(error: Any) -> str:
    text: str = _EXPECTED.get(error["type"], error["msg"])
    return text.replace("Input should be", "must be").replace("String should have", "must have")
