"""Pages of demos and runs. Running needs no JavaScript: the form is posted and leads to the run's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from miniconf.permissions import can_run
from miniconf.problems import Problem
from miniconf.serving.page_notes import mark_page
from miniconf.serving.same_origin import protect_visitors_too

from . import kinds
from .frozen import FrozenRun
from .models import Demo, Run
from .panels import NOT_READY_SECONDS, living_workers, panel_for, worker_ready
from .run_pages import facts, status_line, timings
from .services import cancel_run, create_run, run_as_dict, visitor_of
from .token_text import shown_tokens


@require_GET
def demo_list(request: HttpRequest) -> HttpResponse:
    demos = (
        Demo.objects.filter(enabled=True, kind__in=kinds.KINDS, paper__withdrawn_at=None)
        .select_related("paper")
        .prefetch_related("paper__authors")
    )
    workers = living_workers()
    rows = [{"demo": demo, "kind": kinds.get(demo.kind), "ready": worker_ready(demo, workers)} for demo in demos]
    if not all(row["ready"] for row in rows):
        mark_page(request, seconds=NOT_READY_SECONDS)
    return render(request, "demos/list.html", {"rows": rows, "anybody_ready": any(row["ready"] for row in rows)})


@require_GET
def demo_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One demo. `?run=<id>` fills the form with a run's inputs, `?example=<n>` with an example's."""
    demo = _demo(slug)
    return _demo_page(request, demo, inputs=_preset(request, demo))


@require_POST
@protect_visitors_too
def run_demo(request: HttpRequest, slug: str) -> HttpResponse:
    """The form without JavaScript: to the run's page, or back to the form with what is wrong at each field."""
    demo = _demo(slug)
    inputs = _posted(request, demo)
    try:
        run = create_run(demo=demo, inputs=inputs, user=request.user, visitor=visitor_of(request))
    except Problem as problem:
        return _demo_page(request, demo, inputs=inputs, problem=problem)
    return redirect(run)


@require_GET
def run_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("demo__paper", "user"), pk=run_id)
    frozen = FrozenRun(run) if getattr(request, "frozen", None) else None
    context = {
        "run": run,
        "frozen": frozen,
        "slug": run.demo.slug,
        "finished": run.state in Run.FINISHED,
        "status": status_line(run, run_as_dict(run)["position"]),
        "tokens": shown_tokens(run.output),
        "facts": facts(run),
        "timings": timings(run),
        "may_run": run.demo.enabled and can_run(request.user, run.demo, getattr(request, "conference", None)),
        "script": f"demos/kinds/{run.demo.kind}.js",
        "run_template": f"demos/kinds/{run.demo.kind}_run.html",
    }
    return render(request, "demos/run.html", context)


@require_POST
@protect_visitors_too
def stop_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The Stop button without JavaScript."""
    run = get_object_or_404(Run, pk=run_id)
    try:
        cancel_run(run=run, user=request.user, visitor=visitor_of(request))
    except Problem as problem:
        return render(request, "demos/problem.html", {"problem": problem, "run": run}, status=problem.status)
    return redirect(run)


def _demo(slug: str) -> Demo:
    demos = Demo.objects.filter(enabled=True, kind__in=kinds.KINDS, paper__withdrawn_at=None)
    return get_object_or_404(demos.select_related("paper"), slug=slug)


def _demo_page(
    request: HttpRequest, demo: Demo, *, inputs: dict[str, Any] | None, problem: Problem | None = None
) -> HttpResponse:
    panel = panel_for(request=request, demo=demo, workers=living_workers(), inputs=inputs, problem=problem)
    response = render(request, "demos/demo.html", {"panel": panel}, status=problem.status if problem else 200)
    if problem and problem.retry_after:
        response["Retry-After"] = str(problem.retry_after)
    return response


def _preset(request: HttpRequest, demo: Demo) -> dict[str, Any] | None:
    if run_id := request.GET.get("run"):
        try:
            return dict(get_object_or_404(Run, pk=UUID(run_id), demo=demo).inputs)
        except ValueError:
            return None
    place = request.GET.get("example", "")
    if place.isascii() and place.isdigit() and int(place) < len(demo.examples):
        return dict(demo.examples[int(place)]["inputs"])
    return None


def _posted(request: HttpRequest, demo: Demo) -> dict[str, Any]:
    """The form's inputs as text; the kind turns them into numbers or says what is wrong with them.

    A browser sends line breaks as CR LF and an empty field as "": where nothing may stand, that means "left open".
    """
    inputs: dict[str, Any] = {}
    for name, field in kinds.get(demo.kind).Inputs.model_fields.items():
        if name not in request.POST:
            continue
        value = request.POST[name].replace("\r\n", "\n")
        inputs[name] = None if value == "" and field.default is None else value
    return inputs
