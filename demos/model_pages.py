"""Pages of the models in use: what they are, where they run, how fast, and the demos that use them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from django.db.models.fields.json import KT
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from miniconf.serving.page_notes import mark_page
from miniconf.serving.same_origin import protect_visitors_too

from . import kinds
from .model_cards import Card, address_of, card_of, picture_file, shown_name
from .model_states import ModelState, model_state
from .model_use import models_in_use
from .models import Demo, Run
from .panels import living_workers
from .token_count import count_tokens, most_tokens

# How long visitors may be shown what workers are doing; pages ask anew while a model is being loaded.
FRESH_SECONDS = 2.0
MEASURED_RUNS = 50
MOST_COUNTED = 100_000  # characters
MADE_FOR = {
    "writes texts": "writing texts",
    "fills masks": "filling masks",
    "classifies texts": "classifying texts",
    "labels tokens": "labelling tokens",
    "finds answers in texts": "finding answers in texts",
    "reads texts": "reading texts",
}


@dataclass(frozen=True)
class Speed:
    """Medians of the latest finished runs."""

    tokens_per_second: float
    first_token: float | None
    runs: int


@dataclass(frozen=True)
class Place:
    """A worker, as everybody may see it, and what it does about a model."""

    number: int
    device: str
    doing: str
    load: str


@require_GET
def model_list(request: HttpRequest) -> HttpResponse:
    mark_page(request, seconds=FRESH_SECONDS)
    workers = living_workers()
    rows = [
        {
            "name": shown_name(name),
            "address": address_of(name),
            "card": card_of(name),
            "state": model_state(name, workers),
            "demos": demos,
        }
        for name, demos in models_in_use().items()
    ]
    return render(request, "demos/models.html", {"rows": rows})


@require_GET
def model_page(request: HttpRequest, address: str) -> HttpResponse:
    mark_page(request, seconds=FRESH_SECONDS)
    name, demos = _in_use(address)
    workers = living_workers()
    card = card_of(name)
    context = {
        "name": shown_name(name),
        "address": address,
        "card": card,
        "facts": facts(card),
        "demos": demos,
        "speed": measured_speed(name),
        **_state(name, address, workers),
    }
    return render(request, "demos/model.html", context)


@require_GET
def model_state_part(request: HttpRequest, address: str) -> HttpResponse:
    """What workers are doing about the model, for pages that ask again while it is being loaded."""
    mark_page(request, seconds=FRESH_SECONDS)
    name, _ = _in_use(address)
    return render(request, "demos/model_state.html", _state(name, address, living_workers()))


@require_GET
def model_picture(request: HttpRequest, address: str, file: str) -> HttpResponseBase:
    """A picture that the model's card shows."""
    name, _ = _in_use(address)
    card = card_of(name)
    found = picture_file(card.folder, file) if card.folder and file in [p.name for p in card.pictures] else None
    if found is None:
        raise Http404
    response = FileResponse(found[0].open("rb"), content_type=found[1])
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_POST
@protect_visitors_too
def count_view(request: HttpRequest, slug: str) -> HttpResponse:
    """{"tokens": 37, "limit": 512} for the text of an input whose tokens are counted, while somebody types it."""
    demo = Demo.objects.filter(slug=slug, kind__in=kinds.KINDS).first()
    if demo is None:
        raise Http404
    limit = token_limits(demo).get(request.POST.get("input", ""))
    text = request.POST.get("text", "")
    if limit is None or len(text) > MOST_COUNTED:
        return HttpResponse(status=204)
    return JsonResponse({"tokens": count_tokens(demo.model, text), "limit": limit})


def token_limits(demo: Demo) -> dict[str, int]:
    """Inputs bounded in tokens: "prompt" where the kind has a limit "prompt_tokens", "text" where it has "tokens"."""
    declared = kinds.get(demo.kind).further_limits
    return {
        "text" if name == "tokens" else name.removesuffix("_tokens"): most_tokens(
            demo.model, int(demo.limits.get(name, bound))
        )
        for name, (_, bound) in declared.items()
        if name == "tokens" or name.endswith("_tokens")
    }


def _in_use(address: str) -> tuple[str, list[Demo]]:
    """The model of this address and its demos. Raises Http404."""
    for name, demos in models_in_use().items():
        if address_of(name) == address:
            return name, demos
    raise Http404


def _state(name: str, address: str, workers: list[dict[str, Any]] | None) -> dict[str, Any]:
    state: ModelState = model_state(name, workers)
    places = [_place(number, name, worker) for number, worker in enumerate(workers or [], 1)]
    return {"state": state, "places": places, "address": address, "again": 2 if state.state == "loading" else 15}


def _place(number: int, name: str, worker: dict[str, Any]) -> Place:
    if name in worker["models"]:
        doing = "has it"
    elif stage := worker.get("loading", {}).get(name):
        doing = f"loads it: {stage}"
    elif name in worker.get("failures", {}):
        doing = "cannot load it"
    else:
        doing = "loads it when asked" if name in worker.get("loadable", ()) else "has it not"
    load = f"{worker.get('busy', 0)} of {worker.get('slots', 0)} places taken"
    if worker.get("waiting"):
        load += f", {worker['waiting']} waiting"
    return Place(number, str(worker.get("device", "")), doing, load)


def facts(card: Card) -> list[tuple[str, str]]:
    """Rows of the table: what is known, under words that people know."""
    rows = []
    if card.weights:
        dtypes = ", ".join(_number_type(dtype) for dtype in card.weights.dtypes)
        rows.append(("Weights", f"{_count(card.weights.parameters)} ({card.weights.bytes / 2**20:,.1f} MiB, {dtypes})"))
    if card.architecture:
        rows.append(("Architecture", card.architecture))
    if card.purpose:
        rows.append(("Made for", MADE_FOR.get(card.purpose, card.purpose)))
    rows += card.sizes
    if card.tokenizer:
        rows.append(("Tokenizer", card.tokenizer))
    return rows


def _count(parameters: int) -> str:
    for size, sign in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if parameters >= size:
            return f"{parameters / size:.1f} {sign}"
    return str(parameters)


def _number_type(dtype: str) -> str:
    return {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}.get(dtype, dtype.lower())


def measured_speed(name: str) -> Speed | None:
    """How fast runs of the model were lately, from their own times; None where too little is known."""
    runs = (
        Run.objects.filter(demo__model=name, state=Run.State.SUCCEEDED, first_token_at__isnull=False)
        .order_by("-created_at")
        .annotate(written=KT("output__new_tokens"))
        .values_list("written", "started_at", "first_token_at", "finished_at")[:MEASURED_RUNS]
    )
    rates, firsts = [], []
    for written, started, first, finished in runs:
        if not first or not finished:
            continue
        took = (finished - first).total_seconds()
        if str(written or "").isdigit() and int(written) > 1 and took > 0:
            rates.append((int(written) - 1) / took)
            if started:
                firsts.append((first - started).total_seconds())
    if not rates:
        return None
    return Speed(statistics.median(rates), statistics.median(firsts) if firsts else None, len(rates))
