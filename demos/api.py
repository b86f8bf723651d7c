"""API operations of demos and runs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from ninja import Field, Header, Query, Router, Schema, Status
from pydantic import ConfigDict

from miniconf.live.following import follow_batches
from miniconf.permissions import can_see_demo, is_member
from miniconf.problems import Problem, unauthorized
from miniconf.serving.same_origin import refuse_other_sites

from . import kinds, once, services, stored
from .model_cards import shown_name
from .model_states import model_state
from .models import Demo, Run
from .panels import living_workers

router = Router(tags=["demos"])

KEEP_ALIVE = 15  # seconds between signs of life on a stream that has nothing to say


class ExampleOut(Schema):
    title: str
    inputs: dict[str, Any]
    run: uuid.UUID | None = Field(description="A run that shows its result, where that was computed")


class ExampleList(Schema):
    items: list[ExampleOut]
    count: int


class DemoOut(Schema):
    slug: str
    kind: str
    paper: str | None
    title: str
    description: str
    model: str
    inputs: dict[str, Any] = Field(description="What is taken for inputs left out")
    limits: dict[str, Any] = Field(description="Bounds of each input")
    examples: list[ExampleOut]
    links: dict[str, str]


class DemoDetail(DemoOut):
    options: dict[str, Any] = Field(description="What who set up the demo chose, and who runs it does not")
    models: list[str] = Field(description="All models that runs of it may need")
    inputs_schema: dict[str, Any] = Field(description="JSON Schema of the inputs, of the kind in general")


class DemoList(Schema):
    items: list[DemoOut]
    count: int


class ModelOut(Schema):
    name: str
    demos: list[str] = Field(description="Slugs of the demos that use it")
    state: str = Field(description="ready, waking (loaded when somebody runs it), loading, failed, absent or unknown")
    detail: str = Field(description="The same in a sentence")
    workers: int = Field(description="How many have it in memory now")


class ModelList(Schema):
    items: list[ModelOut]
    count: int


class RunIn(Schema):
    model_config = ConfigDict(extra="forbid")

    inputs: dict[str, Any] = Field(default_factory=dict, description="Depends on the demo's kind; see GET /demos")
    fresh: bool = Field(False, description="Compute it even where the result of the same inputs is stored")
    keep: bool = Field(True, description="Go on when nobody watches; else the run is stopped a minute later")


class RunOut(Schema):
    id: uuid.UUID
    demo: str
    state: str = Field(description="queued, running, succeeded, failed, cancelled or expired")
    stored: bool = Field(description="A stored result: computed once, for all who ask the same")
    position: int | None = Field(description="Place in the queue, 1 being next; null when not waiting")
    wait: list[int] | None = Field(description="Seconds until it begins, [earliest, latest]; null when not known")
    keep: bool = Field(description="Whether it goes on when nobody watches")
    yours: bool = Field(description="Whether you may cancel it and have it kept: you started it, or are an organizer")
    inputs: dict[str, Any]
    output: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    first_token_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class RunList(Schema):
    items: list[RunOut]
    count: int


def _examples_out(demo: Demo) -> list[dict[str, Any]]:
    runs = stored.runs_of_examples(demo)
    return [
        {"title": example["title"], "inputs": example["inputs"], "run": run and run.pk}
        for example, run in zip(demo.examples, runs, strict=True)
    ]


def _demo_out(demo: Demo) -> dict[str, Any]:
    kind = kinds.get(demo.kind)
    return {
        "slug": demo.slug,
        "kind": demo.kind,
        "paper": demo.paper.uid if demo.paper else None,
        "title": demo.title,
        "description": demo.description,
        "model": demo.model,
        "inputs": kind.inputs_for(demo),
        "limits": kind.limits_for(demo),
        "examples": _examples_out(demo),
        "links": {
            "self": reverse("api:demo", args=[demo.slug]),
            "runs": reverse("api:demo-runs", args=[demo.slug]),
            "page": demo.get_absolute_url(),
        },
    }


def _run_out(request: HttpRequest, run: Run) -> dict[str, Any]:
    visitor = services.visitor_of(request)
    return {
        **services.run_as_dict(run),
        "yours": services.may_control(run=run, user=request.user, visitor=visitor),
    }


def _shown() -> QuerySet[Demo]:
    demos = Demo.objects.filter(enabled=True, kind__in=kinds.KINDS, paper__withdrawn_at=None)
    return demos.select_related("paper")


@router.get("/demos", response=DemoList, url_name="demos", summary="Demos that can be run")
def list_demos(
    request: HttpRequest,
    paper: str = Query("", max_length=120, description="Only those of this paper"),
    limit: int = Query(50, ge=1, le=100),
    offset: int = Query(0, ge=0),
) -> dict[str, Any]:
    demos = _shown()
    if paper:
        demos = demos.filter(paper__uid=paper)
    return {"items": [_demo_out(demo) for demo in demos[offset : offset + limit]], "count": demos.count()}


def get_demo(request: HttpRequest, slug: str) -> Demo:
    """A demo that is shown to all, or one that is not and that who asks may edit. Raises Problem 404."""
    # Without an order: to spell out that of demos takes longer than to find one.
    demo = Demo.objects.filter(slug=slug, kind__in=kinds.KINDS).select_related("paper").order_by("pk").first()
    if demo is None or not can_see_demo(request.user, demo):
        raise Problem(
            status=404, title="No such demo", detail=f"There is no demo {slug[:80]!r}; GET /api/v1/demos lists them."
        )
    return demo


def get_run(run_id: str) -> Run:
    """Raises Problem 404."""
    try:
        return Run.objects.select_related("demo").get(pk=uuid.UUID(run_id))
    except (ValueError, Run.DoesNotExist):
        raise Problem(status=404, title="No such run", detail=f"There is no run {run_id[:60]!r}.") from None


@router.get("/demos/{slug}", response=DemoDetail, url_name="demo", summary="One demo")
def read_demo(request: HttpRequest, slug: str) -> dict[str, Any]:
    demo = get_demo(request, slug)
    kind = kinds.get(demo.kind)
    return {
        **_demo_out(demo),
        "options": demo.options,
        "models": stored.models_of(demo),
        "inputs_schema": kind.Inputs.model_json_schema(),
    }


@router.get("/demos/{slug}/examples", response=ExampleList, url_name="demo-examples", summary="Examples of a demo")
def list_examples(
    request: HttpRequest,
    slug: str,
    limit: int = Query(50, ge=1, le=100),
    offset: int = Query(0, ge=0),
) -> dict[str, Any]:
    """With `run`, the result has been computed: `GET runs/{run}` has it."""
    examples = _examples_out(get_demo(request, slug))
    return {"items": examples[offset : offset + limit], "count": len(examples)}


@router.get("/models", response=ModelList, url_name="models", summary="Models that demos use")
def list_models(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=100),
    offset: int = Query(0, ge=0),
) -> dict[str, Any]:
    demos: dict[str, list[str]] = {}
    for demo in _shown():
        for name in stored.models_of(demo):
            demos.setdefault(name, []).append(demo.slug)
    workers = living_workers()
    having = Counter(name for worker in workers or () for name in worker["models"])
    items = []
    for name in sorted(demos)[offset : offset + limit]:
        found = model_state(name, workers)
        items.append(
            {
                "name": shown_name(name),
                "demos": demos[name],
                "state": found.state,
                "detail": found.sentence,
                "workers": having[name],
            }
        )
    return {"items": items, "count": len(demos)}


@router.post("/demos/{slug}/runs", response={202: RunOut}, url_name="demo-runs", summary="Run a demo")
def create_run(
    request: HttpRequest,
    slug: str,
    body: RunIn,
    idempotency_key: str | None = Header(
        None,
        alias="Idempotency-Key",
        description="Made up by you, for one request: sent again under the same key within a day, it gives the same run",
    ),
) -> Status[dict[str, Any]] | HttpResponse:
    """Answers at once; the run's events tell how it goes on. 429 and 503 carry `Retry-After`.

    With `Accept: text/event-stream` the answer is the run's events themselves, from the first; `Location` is the run.

    What was computed before from the same inputs (with a seed, or at temperature 0) is not computed again: the answer
    is then a run that has `succeeded`, with `stored` true, unless `fresh` is asked for. 422 also for an
    `Idempotency-Key` under which something else was asked for, 409 while a request under it goes on for long.
    """
    refuse_other_sites(request)
    asked: dict[str, Any] = {
        "demo": get_demo(request, slug),
        "inputs": body.inputs,
        "user": request.user,
        "visitor": services.visitor_of(request),
        "fresh": body.fresh,
        "keep": body.keep,
    }
    run = services.create_run(**asked) if idempotency_key is None else once.create_run(idempotency_key, **asked)
    if request.accepts("text/event-stream") and not request.accepts("application/json"):
        response = _streamed(run, request.user, 0)
        response["Location"] = reverse("api:run", args=[run.id])
        return response
    return Status(202, _run_out(request, run))


@router.get("/runs", response=RunList, url_name="runs", summary="Your runs, the newest first")
def list_runs(
    request: HttpRequest,
    demo: str = Query("", max_length=80, description="Only those of this demo"),
    limit: int = Query(50, ge=1, le=100),
    offset: int = Query(0, ge=0),
) -> dict[str, Any]:
    """Those of the account. Stored results belong to nobody and are not among them."""
    if not is_member(request.user):  # an address may be that of many visitors
        raise unauthorized("Runs are listed for accounts: send a bearer token.")
    runs = services.own_runs(user=request.user, visitor="").select_related("demo")
    if demo:
        runs = runs.filter(demo__slug=demo)
    items = [_run_out(request, run) for run in runs.order_by("-created_at", "pk")[offset : offset + limit]]
    return {"items": items, "count": runs.count()}


@router.get("/runs/{run_id}", response=RunOut, url_name="run", summary="A run: state, timings, output")
def read_run(request: HttpRequest, run_id: str) -> dict[str, Any]:
    return _run_out(request, get_run(run_id))


@router.post("/runs/{run_id}/cancel", response=RunOut, url_name="run-cancel", summary="Cancel a run")
def cancel_run(request: HttpRequest, run_id: str) -> dict[str, Any]:
    """A run that has finished stays as it is."""
    refuse_other_sites(request)
    run = services.cancel_run(run=get_run(run_id), user=request.user, visitor=services.visitor_of(request))
    return _run_out(request, run)


@router.post("/runs/{run_id}/keep", response=RunOut, url_name="run-keep", summary="Have a run go on unwatched")
def keep_run(request: HttpRequest, run_id: str) -> dict[str, Any]:
    """For a run that was started with `keep` false. One that has finished stays as it is."""
    refuse_other_sites(request)
    run = services.keep_run(run=get_run(run_id), user=request.user, visitor=services.visitor_of(request))
    return _run_out(request, run)


@router.get("/runs/{run_id}/events", url_name="run-events", summary="A run's events as server-sent events")
def run_events(request: HttpRequest, run_id: str) -> HttpResponse:
    """`state`, `token`, those of the demo's kind, and `done`, with ids; `Last-Event-ID` resumes after that event; a
    finished run is replayed."""
    run = get_run(run_id)
    last = request.headers.get("Last-Event-ID", "")
    if last and not last.isdigit():
        raise Problem(
            status=400, title="Bad Last-Event-ID", detail=f"Expected the number of an event, not {last[:40]!r}."
        )
    return _streamed(run, request.user, int(last or 0))


def _streamed(run: Run, user: Any, after: int) -> HttpResponse:
    """A run's events from number `after` on, until it is done."""
    response = StreamingHttpResponse(_event_stream(str(run.id), user, after), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response  # type: ignore[return-value]


async def _event_stream(run_id: str, user: Any, after: int) -> AsyncGenerator[bytes]:
    batches = follow_batches(f"run:{run_id}", user, after)
    try:
        while True:
            coming = asyncio.ensure_future(anext(batches))
            while not (await asyncio.wait({coming}, timeout=KEEP_ALIVE))[0]:
                yield b": still here\n\n"  # proxies close connections on which nothing is heard
            events = [event for event in coming.result() if event["type"] not in ("offline", "online")]
            if events:
                yield b"".join(_encode(event) for event in events)
                if events[-1]["type"] == "done":
                    return
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await batches.aclose()


def _encode(event: dict[str, Any]) -> bytes:
    head = f"id: {event['n']}\n" if "n" in event else ""
    data = {key: value for key, value in event.items() if key not in ("type", "n", "first")}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {event['type']}\ndata: {text}\n\n".encode()
