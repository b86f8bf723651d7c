"""Results that are kept: the same question to the same model is answered at once, by whoever's run answered it first.

A run's `result_key` is a hash of all that its output follows from: the demo, its kind and options, the files of its models,
and the complete inputs, without those that make no difference (a seed at temperature 0). Whoever asks the same gets a copy
of the run that belongs to nobody (`is_stored`), one for all who ask: whose run it was is not told.

An `example_key` says for which example of a demo a run was made, also where its inputs leave the seed open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from miniconf.problems import Problem

from . import kinds, model_files
from .models import Demo, Run, RunPart

WHOLE = 32 * 2**20  # bytes of a file that are all read; of larger ones, PIECES pieces of PIECE bytes spread over it
PIECE, PIECES = 2**18, 64
# What a model says depends on these; a card or a picture beside them may change.
_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")


def key_of(demo: Demo, inputs: dict[str, Any]) -> str:
    """The hash of all that the output of complete inputs follows from; empty where that is not known or left to chance."""
    kind = kinds.get(demo.kind)
    depends = kind.output_depends_on(inputs)
    models = fingerprints(kind.models_for(demo, inputs))
    if depends is None or models is None:
        return ""
    return _digest([demo.pk, demo.kind, kind.version, models, demo.options, depends])


def example_key(demo: Demo, inputs: dict[str, Any]) -> str:
    """The hash that marks runs of one example, whose `inputs` need not be complete.

    It shows what such a run may give, so where a model's versions cannot be told apart its name has to do.
    """
    names = models_of(demo)
    models = fingerprints(names) or names
    return _digest([demo.pk, demo.kind, models, demo.options, demo.defaults, inputs])


def result_for(*, demo: Demo, inputs: dict[str, Any]) -> Run | None:
    """The stored result of complete inputs, if there is one. The first time a run answers, its nameless copy is made."""
    key = key_of(demo, inputs)
    if not key:
        return None
    found = Run.objects.filter(demo=demo, result_key=key, state=Run.State.SUCCEEDED)
    run = found.order_by("-is_stored", "created_at").first()
    if run is not None:
        run.demo = demo
    return run if run is None or run.is_stored else _nameless(run)


def _nameless(run: Run) -> Run:
    """A copy that belongs to nobody and grew out of nothing, with the same result, files and times."""
    with transaction.atomic():
        copy = Run.objects.create(
            demo=run.demo,
            inputs=run.inputs,
            state=run.state,
            output=run.output,
            asked=run.asked,
            events=run.events,
            attempts=run.attempts,
            started_at=run.started_at,
            first_token_at=run.first_token_at,
            finished_at=run.finished_at,
            result_key=run.result_key,
            is_stored=True,
        )
        Run.objects.filter(pk=copy.pk).update(created_at=run.created_at)
        copy.created_at = run.created_at
        parts = list(RunPart.objects.filter(run=run))
        for part in parts:
            part.pk, part.run = None, copy
        RunPart.objects.bulk_create(parts)
    return copy


def runs_of_examples(demo: Demo) -> list[Run | None]:
    """For each example of a demo the run that shows its result, if there is one."""
    keys = [example_key(demo, example["inputs"]) for example in demo.examples]
    runs = Run.objects.filter(demo=demo, example_key__in=keys, state=Run.State.SUCCEEDED)
    newest = dict(runs.order_by("created_at").values_list("example_key", "pk"))
    found = Run.objects.in_bulk(list(newest.values()))
    for run in found.values():
        run.demo = demo
    return [found.get(newest[key]) if key in newest else None for key in keys]


def models_of(demo: Demo) -> list[str]:
    """The models of a demo, also of one that is not set up rightly."""
    try:
        return kinds.get(demo.kind).models_of(demo)
    except Problem:
        return [demo.model]


# --- Models -------------------------------------------------------------------------------------------------------------


def fingerprints(models: Iterable[str]) -> list[str] | None:
    """Each model's files as a hash, in order; None where one is not at hand, so that its versions cannot be told apart."""
    found = []
    for model in models:
        if model in settings.MODEL_BACKENDS:  # its server may change what it serves, and promises no equal answers
            return None
        try:
            folder = model_files.local_folder(model, settings.MODELS_DIR)
        except model_files.ModelError:
            return None
        if folder is None:
            return None
        files = sorted({path for pattern in _FILES for path in folder.glob(pattern)})
        stats = [(str(path), path.stat()) for path in files]
        found.append(_fingerprint(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)))
    return found


@lru_cache(maxsize=256)
def _fingerprint(files: tuple[tuple[str, int, int], ...]) -> str:
    """The hash of files' names and contents; read again when a size or a time has changed."""
    digest = hashlib.sha256()
    for path, size, _ in files:
        digest.update(f"{Path(path).name}\0{size}\0".encode())
        with Path(path).open("rb") as file:
            if size <= WHOLE:
                digest.update(file.read())
                continue
            # Training moves all weights: pieces from everywhere tell two versions apart.
            for piece in range(PIECES):
                file.seek((size - PIECE) * piece // (PIECES - 1))
                digest.update(file.read(PIECE))
    return digest.hexdigest()


def _digest(parts: list[Any]) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
