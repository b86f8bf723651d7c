"""Generate: a language model continues a text, token by token."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from demos.token_count import count_tokens
from demos.token_text import shown_tokens

from .base import InputError, Inputs, Kind, RunCancelled, RunContext, RunFailed

if TYPE_CHECKING:
    from demos.models import Demo, Run

PROMPT_TOKENS = 512
_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
LONGEST_SECONDS = 900  # waiting for a place in the batch included


class GenerateInputs(Inputs):
    """Names and meanings as in the `transformers` library."""

    prompt: str = Field("", max_length=8000, description="Text to continue; empty starts a new document")
    max_new_tokens: int = Field(64, ge=1, le=400, description="Tokens to write at most")
    temperature: float = Field(0.8, ge=0, le=2, description="0 takes the likeliest token each time")
    top_k: int = Field(0, ge=0, le=1000, description="Keep the k likeliest tokens; 0 keeps all")
    top_p: float = Field(0.95, gt=0, le=1, description="Keep the likeliest tokens that together reach this probability")
    seed: int | None = Field(None, ge=0, le=2**32 - 1, description="Same seed, same text; left out, one is drawn")
    parent: str | None = Field(None, pattern=_UUID, description="Run that this one goes on from")
    parent_token: int | None = Field(
        None, ge=0, le=4000, description="Token of that run in whose place this one goes on"
    )
    alternatives: int = Field(0, ge=0, le=10, description="Report this many of the likeliest tokens at each place")


def _settings(inputs: dict[str, Any]) -> dict[str, Any]:
    """What of the inputs the engine is told."""
    return {name: value for name, value in inputs.items() if name not in ("parent", "parent_token")}


def _is_run_of(demo: Demo, run_id: str) -> bool:
    from demos.models import Run  # the models know the kinds

    return Run.objects.filter(pk=run_id, demo=demo).exists()


class Generate(Kind):
    name = "generate"
    title = "Generate"
    Inputs = GenerateInputs
    seeded = True
    further_limits: ClassVar = {"prompt_tokens": ("Tokens of the prompt", PROMPT_TOKENS)}

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        control = {c for c in inputs["prompt"] if ord(c) < 32 and c not in "\n\t\r"}
        if control:
            raise InputError("prompt", f"contains the control character U+{ord(min(control)):04X}; expected text")
        limit = demo.limits.get("prompt_tokens", PROMPT_TOKENS)
        tokens = count_tokens(demo.model, inputs["prompt"])
        if tokens > limit:
            raise InputError("prompt", f"has {tokens} tokens; this model reads at most {limit}")
        if inputs["parent"] and not _is_run_of(demo, inputs["parent"]):
            raise InputError("parent", "is no run of this demo")
        if inputs["seed"] is None:
            inputs["seed"] = secrets.randbelow(2**31)

    def output_depends_on(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        if inputs["parent"]:  # it has its place in a tree, which a result that answers everybody has not
            return None
        return super().output_depends_on(_settings(inputs))

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
            request = GenerationRequest(model=context.model, **_settings(context.inputs))
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
