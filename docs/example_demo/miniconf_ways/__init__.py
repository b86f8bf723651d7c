"""Ways: a language model goes on from the same words several times, side by side."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from pydantic import Field

from demos.kinds.base import InputError, Inputs, Kind, Options, RunCancelled, RunContext, RunFailed
from demos.token_count import count_tokens

LONGEST_SECONDS = 900  # waiting for places in the batch included


class WaysInputs(Inputs):
    prompt: str = Field("", max_length=2000, description="Words to go on from")
    ways: int = Field(3, ge=1, le=8, description="How many texts")
    max_new_tokens: int = Field(32, ge=1, le=128, description="Tokens of each text at most")
    temperature: float = Field(0.9, ge=0, le=2, description="0 takes the likeliest token each time, in every text")
    seed: int | None = Field(
        None, ge=0, le=2**31, description="Of the first text, the next ones follow; empty draws one"
    )


class WaysOptions(Options):
    letter: bool = Field(False, description="Letters instead of numbers before the texts")


class Ways(Kind):
    name = "ways"
    title = "Several ways on"
    Inputs = WaysInputs
    Options = WaysOptions
    seeded = True

    def check(self, demo: Any, inputs: dict[str, Any]) -> None:
        tokens = count_tokens(demo.model, inputs["prompt"])
        if tokens > 256:
            raise InputError("prompt", f"has {tokens} tokens; at most 256 were expected")
        if inputs["seed"] is None:
            inputs["seed"] = secrets.randbelow(2**31)

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.engine import GenerationRequest, RequestError  # torch: on workers only

        given = context.inputs
        texts = [""] * given["ways"]

        def on_tokens(way: int, tokens: list[Any]) -> None:
            texts[way] += "".join(token.text for token in tokens)
            context.log.tokens(
                [{"i": t.index, "id": t.id, "text": t.text, "p": t.probability, "top": []} for t in tokens], stream=way
            )

        handles: list[Any] = []

        def stop() -> None:
            for handle in handles:
                handle.cancel()

        context.watch_cancel(stop)
        try:
            for way in range(given["ways"]):
                request = GenerationRequest(
                    model=context.model,
                    prompt=given["prompt"],
                    max_new_tokens=given["max_new_tokens"],
                    temperature=given["temperature"],
                    seed=given["seed"] + way,
                )
                handles.append(context.engine.submit(request, partial(on_tokens, way), context.log.started))
            reasons = [handle.result(LONGEST_SECONDS).reason for handle in handles]
        except RequestError as error:
            raise RunFailed(str(error)) from error
        except TimeoutError:
            raise RunFailed(f"the model was not done after {LONGEST_SECONDS} seconds") from None
        finally:
            for handle in handles:
                handle.cancel()  # of no effect where it has ended
        output = {"texts": texts, "letter": context.options.letter}
        if "cancelled" in reasons:
            raise RunCancelled(output)
        if "error" in reasons:
            raise RunFailed("the model failed while writing")
        return output

    def shown(self, run: Any) -> dict[str, Any]:
        return {"prompt": run.inputs["prompt"], **run.output}

    def outcome(self, run: Any) -> str:
        return " / ".join((run.output or {}).get("texts", []))
