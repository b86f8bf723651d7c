"""Generate: a language model continues a text, token by token."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from demos.lines import SCHEMA as LINES
from demos.token_count import count_tokens, most_tokens
from demos.token_text import shown_tokens
from miniconf.problems import Problem

from .base import InputError, Inputs, Kind, Options, RunCancelled, RunContext, RunFailed
from .several import Work

if TYPE_CHECKING:
    from demos.models import Demo, Run

PROMPT_TOKENS = 512
STOP_STRINGS, STOP_LETTERS = 8, 80
_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
LONGEST_SECONDS = 900  # waiting for a place in the batch included


# What the engine is told of the inputs; the second ones came later, and where they change nothing, a result that was
# stored before they came is still the answer (demos/stored.py).
_ALWAYS = ("prompt", "max_new_tokens", "temperature", "top_k", "top_p", "seed", "alternatives")
_LATER: dict[str, Any] = {"repetition_penalty": 1, "stop": []}


class GenerateInputs(Inputs):
    """Names and meanings as in the `transformers` library."""

    prompt: str = Field("", max_length=8000, description="Text to continue; empty starts a new document")
    max_new_tokens: int = Field(64, ge=1, le=400, description="Tokens to write at most")
    temperature: float = Field(0.8, ge=0, le=2, description="0 takes the likeliest token each time")
    top_k: int = Field(0, ge=0, le=1000, description="Keep the k likeliest tokens; 0 keeps all")
    top_p: float = Field(0.95, gt=0, le=1, description="Keep the likeliest tokens that together reach this probability")
    repetition_penalty: float = Field(
        1, ge=1, le=2, description="Above 1, tokens that have occurred become less likely; 1 leaves the model alone"
    )
    stop: list[str] = Field(
        default_factory=list,
        max_length=STOP_STRINGS,
        description="The text ends before the first of these",
        json_schema_extra=LINES,
    )
    seed: int | None = Field(None, ge=0, le=2**32 - 1, description="Same seed, same text; left out, one is drawn")
    parent: str | None = Field(None, pattern=_UUID, description="Run that this one goes on from")
    parent_token: int | None = Field(
        None, ge=0, le=4000, description="Token of that run in whose place this one goes on"
    )
    steer: float = Field(
        0, ge=-3, le=3, description="How far to steer, where the demo has a dial; 0 leaves the model alone"
    )
    alternatives: int = Field(0, ge=0, le=10, description="Report this many of the likeliest tokens at each place")


class Template(BaseModel):
    """The beginning of a prompt; what stands in {braces} is for the visitor to fill in."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=2000)


class Dial(BaseModel):
    """A direction in the states of one layer: the mean over `positive` texts less that over `negative` ones."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    positive_name: str = Field("positive", min_length=1, max_length=30)
    negative_name: str = Field("negative", min_length=1, max_length=30)
    positive: list[str] = Field(min_length=1, max_length=20)
    negative: list[str] = Field(min_length=1, max_length=20)
    layer: int = Field(ge=0, le=200)
    strength: float = Field(1.0, gt=0, le=100, description="How often the direction is added at 1 on the dial")


class GenerateOptions(Options):
    templates: list[Template] = Field(default_factory=list, max_length=12)
    dial: Dial | None = None


def _settings(inputs: dict[str, Any]) -> dict[str, Any]:
    """What of the inputs the engine is told."""
    settings = {name: inputs[name] for name in _ALWAYS}
    settings |= {name: inputs[name] for name, nothing in _LATER.items() if inputs[name] != nothing}
    return settings


def _hooks(context: RunContext) -> tuple[Any, ...]:
    """What steers the model, if the dial is not at 0. Raises RunFailed and RunCancelled."""
    dial, steer = context.options.dial, context.inputs["steer"]
    if dial is None or not steer:
        return ()
    from demos.steering import Direction, steering

    job = Direction(context.model, dial.layer, tuple(dial.positive), tuple(dial.negative))
    return (steering(dial.layer, Work(context).do(job), steer * dial.strength),)


def _check_stops(stops: list[str]) -> None:
    for stop in stops:
        if not 1 <= len(stop) <= STOP_LETTERS:
            raise InputError("stop", f"has one of {len(stop)} characters; 1 to {STOP_LETTERS} were expected")


def _is_run_of(demo: Demo, run_id: str) -> bool:
    from demos.models import Run  # the models know the kinds

    return Run.objects.filter(pk=run_id, demo=demo).exists()


class Generate(Kind):
    name = "generate"
    title = "Generate"
    Inputs = GenerateInputs
    Options = GenerateOptions
    seeded = True
    further_limits: ClassVar = {"prompt_tokens": ("Tokens of the prompt", PROMPT_TOKENS)}

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        _check_stops(inputs["stop"])
        limit = most_tokens(demo.model, demo.limits.get("prompt_tokens", PROMPT_TOKENS))
        tokens = count_tokens(demo.model, inputs["prompt"])
        if tokens > limit:
            raise InputError("prompt", f"has {tokens} tokens; this model reads at most {limit}")
        if inputs["parent"] and not _is_run_of(demo, inputs["parent"]):
            raise InputError("parent", "is no run of this demo")
        if inputs["steer"] and self.options_for(demo).dial is None:
            raise InputError("steer", "is not 0; this demo has no dial")
        if inputs["seed"] is None:
            inputs["seed"] = secrets.randbelow(2**31)

    def output_depends_on(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        if inputs["parent"]:  # it has its place in a tree, which a result that answers everybody has not
            return None
        return super().output_depends_on({**_settings(inputs), "steer": inputs["steer"]})

    def form(self, demo: Demo) -> dict[str, Any]:
        try:
            options = self.options_for(demo)
        except Problem:  # told where demos are set up; the form does without
            return {}
        return {"templates": options.templates, "dial": options.dial}

    def shown(self, run: Run) -> dict[str, Any]:
        return {"tokens": shown_tokens(run.output)}

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.engine import GenerationRequest, RequestError, Token  # torch: workers only

        tokens: list[list[Any]] = []

        def on_tokens(new: list[Token]) -> None:
            events = []
            for token in new:
                probability = None if token.probability is None else round(token.probability, 5)
                top = [[text, round(p, 5)] for text, p in token.alternatives]
                tokens.append([token.id, token.text, probability, top])
                events.append({"i": token.index, "id": token.id, "text": token.text, "p": probability, "top": top})
            context.log.tokens(events)

        try:
            hooks = _hooks(context)
            settings = _settings(context.inputs)
            settings["stop"] = tuple(settings.get("stop", ()))
            request = GenerationRequest(model=context.model, hooks=hooks, **settings)
            handle = context.engine.submit(request, on_tokens, context.log.started)
        except RequestError as error:
            raise RunFailed(str(error)) from error
        context.watch_cancel(handle.cancel)
        try:
            finished = handle.result(LONGEST_SECONDS)
        except TimeoutError:
            handle.cancel()
            raise RunFailed(f"the model was not done after {LONGEST_SECONDS} seconds") from None
        output = {
            "text": "".join(token[1] for token in tokens),
            "tokens": tokens,
            "finish_reason": finished.reason,
            "prompt_tokens": finished.prompt_tokens,
            "new_tokens": finished.new_tokens,
            "model": context.model,
        }
        if finished.reason == "cancelled":
            raise RunCancelled(output)
        if finished.reason == "error":
            raise RunFailed(f"the model failed while writing: {finished.error}")
        return output
