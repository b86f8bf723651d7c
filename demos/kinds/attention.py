"""Attention: what a model looks at while it reads or writes; the kernels of one that has no attention."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from pydantic import Field

from demos import model_files

from .base import InputError, Inputs, Kind, RunContext, RunFailed
from .one_shot_work import LONGEST_SECONDS, Work, check_text

if TYPE_CHECKING:
    from demos.lens.kernels import Kernels
    from demos.lens.reading import Map, Reading
    from demos.models import Demo, Run

MOST_TOKENS = 512  # for maps; lines are drawn up to LINES
LINES = 128
MOST_HIDDEN = 16
# Tokens an encoder-decoder writes when nothing else is said.
TARGET_TOKENS = 40

WAYS = {
    "mask": "replaced by the model's mask",
    "attention_mask": "kept from the others: none of them may look at it",
    "left out": "left out: the model reads the text without it",
}


class AttentionInputs(Inputs):
    text: str = Field("", max_length=6000, description="Text to read")
    target: str = Field(
        "", max_length=3000, description="What the decoder of an encoder-decoder reads; empty lets it write"
    )
    new_tokens: int = Field(0, ge=0, le=64, description="Tokens to write first; 0 reads the text only")
    hidden: list[int] = Field(
        default_factory=list, max_length=MOST_HIDDEN, description="Tokens to keep from the model, counted from 0"
    )


class Attention(Kind):
    name = "attention"
    title = "Attention"
    Inputs = AttentionInputs
    headline = "text"
    further_limits: ClassVar = {"tokens": ("Tokens of the text", MOST_TOKENS)}

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        tokens = check_text(demo, inputs, "text", MOST_TOKENS - inputs["new_tokens"])
        inputs["hidden"] = sorted(set(inputs["hidden"]))
        outside = [place for place in inputs["hidden"] if not 0 <= place < tokens]
        if outside:
            raise InputError("hidden", f"names token {outside[0]}; the text has {tokens}, counted from 0")
        if inputs["hidden"] and inputs["new_tokens"]:
            raise InputError("hidden", "cannot be combined with writing; set the tokens to write to 0")

    def form(self, demo: Demo) -> dict[str, Any]:
        """What the model can do besides reading, as its files say."""
        config = _config(demo.model)
        purpose = model_files.purpose_of((config.get("architectures") or [""])[0])
        return {"pair": bool(config.get("is_encoder_decoder")), "writes": purpose == model_files.WRITES}

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.reading import Look, movement

        work, inputs = Work(context), context.inputs
        context.log.started()
        further, target = self._written(context, work), inputs["target"]
        before: Reading = work.do(Look(context.model, inputs["text"], further=further, target=target))
        views = [_view(map_) for map_ in before.maps]
        self._put(context, before, "")
        output: dict[str, Any] = {
            "views": views,
            "tokens": before.tokens,
            "written": 0 if any(view["name"] == "cross" for view in views) else len(further),
            "kernels": _kernels(before.kernels) if before.kernels else None,
            "hidden": [],
            "model": context.model,
        }
        if inputs["hidden"]:
            hidden = tuple(inputs["hidden"])
            after = work.do(Look(context.model, inputs["text"], hidden=hidden, further=further, target=target))
            self._put(context, after, "-hidden")
            for view, old, new in zip(views, before.maps, after.maps, strict=True):
                view["moved"] = [[round(share, 4) for share in layer] for layer in movement(old, new)]
            output["hidden"] = list(hidden)
            output["way"] = after.hidden
            output["guesses"] = [
                {"place": guess.place, "words": [[word, round(p, 5)] for word, p in guess.words]}
                for guess in after.guesses
            ]
        return output

    def _written(self, context: RunContext, work: Work) -> tuple[int, ...]:
        """Ids of what the model writes before it is looked into; told as it goes on, with what it looked at."""
        from demos.engine import GenerationRequest, RequestError
        from demos.lens.writing import captures, glance

        loaded = next(model for model in context.engine.models() if model.name == context.model)
        pair = bool(loaded.model.config.is_encoder_decoder)
        count = context.inputs["new_tokens"] or (TARGET_TOKENS if pair and not context.inputs["target"] else 0)
        if not count or (pair and context.inputs["target"]):
            return ()
        if not loaded.writes:
            raise RunFailed(f"model {loaded.name!r} {loaded.purpose}; it does not write. Set the tokens to write to 0")
        layers = getattr(loaded.model.config, "num_hidden_layers", 0)
        ids: list[int] = []
        for hooks in ([] if pair else [captures(layers)]) + [[]]:

            def on_tokens(new: list[Any], hooks: list[Any] = hooks) -> None:
                ids.extend(token.id for token in new)
                for token in new:
                    seen = [[place, round(share, 3)] for place, share in glance(hooks)]
                    data = {"i": token.index, "text": token.text, "at": seen}
                    context.log.emit("wrote", data, key=str(token.index))

            request = GenerationRequest(
                context.model, context.inputs["text"], max_new_tokens=count, temperature=0, hooks=tuple(hooks)
            )
            try:
                handle = context.engine.submit(request, on_tokens)
                context.watch_cancel(handle.cancel)
                finished = handle.result(LONGEST_SECONDS)
            except RequestError as error:
                raise RunFailed(str(error)) from error
            except TimeoutError:
                handle.cancel()
                raise RunFailed(f"the model was not done after {LONGEST_SECONDS} seconds") from None
            if finished.reason == "cancelled":
                work.stopped.set()
            work.check()
            if (
                finished.reason != "error"
            ):  # a model that cannot be looked into while it writes is read again afterwards
                break
        else:
            raise RunFailed(f"the model failed while writing: {finished.error}")
        context.watch_cancel(work._stop)
        return tuple(ids)

    def _put(self, context: RunContext, reading: Reading, suffix: str) -> None:
        from demos.lens.packing import pack, thumbnails

        total = sum(len(map_.weights) for map_ in reading.maps)
        done = 0
        for map_ in reading.maps:
            context.parts.put(f"{map_.name}-small{suffix}", thumbnails(map_.weights))
            for place, weights in enumerate(map_.weights):
                context.parts.put(f"{map_.name}-{place}{suffix}", pack(weights))
                done += 1
                context.log.progress(done, total, "Packing layers")

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        views = [{**view, "table": _table(view), "title": TITLES[view["name"]]} for view in output.get("views", [])]
        hidden = [output["tokens"][place] for place in output.get("hidden", [])]
        return {
            "views": views,
            "kernels": output.get("kernels"),
            "tokens": output.get("tokens", []),
            "hidden": hidden,
            "way": WAYS.get(output.get("way", ""), ""),
            "guesses": [
                {"token": output["tokens"][g["place"]], "words": [(word, _percent(p)) for word, p in g["words"]]}
                for g in output.get("guesses", [])
            ],
            "output": {
                name: output[name] for name in ("views", "tokens", "kernels", "hidden", "written") if name in output
            },
            "data_id": f"attention-{run.pk}",
        }

    def outcome(self, run: Run) -> str:
        output = run.output or {}
        if output.get("kernels"):
            return f"{len(output['kernels']['forward'])} layers of kernels over {len(output['tokens'])} tokens"
        parts = [
            f"{TITLES[view['name']]}: {_count(len(view['layers']), 'layer')}, {_count(view['heads'], 'head')}"
            for view in output.get("views", [])
        ]
        return "; ".join(parts)


TITLES = {
    "self": "Tokens at tokens",
    "encoder": "In the encoder",
    "decoder": "In the decoder",
    "cross": "From the decoder to the encoder",
}


def _config(model: str) -> dict[str, Any]:
    try:
        folder = model_files.local_folder(model, settings.MODELS_DIR)
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")) if folder else {}
    except (model_files.ModelError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _view(map_: Map) -> dict[str, Any]:
    from demos.lens.reading import strongest

    return {
        "name": map_.name,
        "rows": map_.rows,
        "columns": map_.columns if map_.columns != map_.rows else None,
        "layers": map_.layers,
        "heads": map_.heads,
        "causal": map_.causal,
        "strongest": [[[column, round(share, 3)] for column, share in row] for row in strongest(map_)],
    }


def _kernels(kernels: Kernels) -> dict[str, Any]:
    def rounded(rows: Any) -> list[list[float]]:
        return [[float(f"{value:.4g}") for value in row] for row in rows.tolist()]

    return {"forward": rounded(kernels.forward), "backward": rounded(kernels.backward), "reach": kernels.reach()}


def _table(view: dict[str, Any]) -> list[tuple[str, str]]:
    """For each token, in words, what it looks at most."""
    columns = view["columns"] or view["rows"]
    return [
        (token or "␣", ", ".join(f"{columns[column].strip() or '␣'} {_percent(share)}" for column, share in looks))
        for token, looks in zip(view["rows"], view["strongest"], strict=True)
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"
