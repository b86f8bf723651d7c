"""How a model fares: whether workers have it, load it, or cannot, in sentences for pages and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

from miniconf.problems import Problem

from .hub_looks import model_problem
from .model_cards import shown_name


@dataclass(frozen=True)
class ModelState:
    """`state` for programs, `sentence` for people; `loading` holds what each worker is doing about it."""

    state: Literal["ready", "waking", "loading", "failed", "absent", "unknown"]
    sentence: str


def model_state(name: str, workers: list[dict[str, Any]] | None) -> ModelState:
    """The best that any worker can do. `workers`: as they announced themselves; None where the broker is silent."""
    shown = shown_name(name)
    if workers is None:
        return ModelState("unknown", "Whether a machine runs this model is not known at the moment.")
    if any(name in worker["models"] for worker in workers):
        return ModelState("ready", "Ready.")
    for worker in workers:
        if doing := worker.get("loading", {}).get(name):
            return ModelState("loading", f"Being loaded: {doing}.")
    failures = [worker["failures"][name] for worker in workers if name in worker.get("failures", {})]
    if any(name in worker.get("loadable", ()) for worker in workers):
        return ModelState("waking", "Loaded when somebody runs it.")
    if failures:
        return ModelState("failed", public_sentence(name, failures[0]))
    if not workers:
        return ModelState("absent", "No machine that runs models is connected at the moment.")
    return ModelState("absent", f"No running worker has the model {shown!r} ready.")


def public_sentence(name: str, failure: str) -> str:
    """What a worker says of a failure, without the folders of its machine."""
    folder = str(settings.MODELS_DIR / name)
    for path in (folder, str(settings.MODELS_DIR)):
        failure = failure.replace(path, "its folder" if path == folder else "the folder of models")
    return failure.replace(name, shown_name(name)) if shown_name(name) != name else failure


def not_loadable(sentence: str) -> Problem:
    return Problem(status=503, title="The model cannot be loaded", detail=sentence, retry_after=60)


def problem_of(name: str, workers: list[dict[str, Any]]) -> Problem | None:
    """Why a run with this model cannot be taken now; None when it can be. Nothing is to be queued for it then.

    Its files, and the hub, are asked where no worker has it in memory: also before any worker has tried. Raises Problem.
    """
    found = model_state(name, workers)
    if found.state == "ready":
        return None
    if workers and (wrong := model_problem(name)):
        return not_loadable(public_sentence(name, wrong))
    if any(
        name in worker.get("loadable", ()) for worker in workers
    ):  # loaded when its turn comes, if it is not already
        return None
    if found.state == "failed":
        return not_loadable(found.sentence)
    if found.state == "loading":
        return Problem(status=503, title="The model is being loaded", detail=found.sentence, retry_after=5)
    return Problem(status=503, title="The model is not loaded", detail=found.sentence, retry_after=15)
