"""Pages of demos and runs. Running needs no JavaScript: the form is posted and leads to the run's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_origin
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from miniconf.permissions import can_edit_demo, can_run, can_see_demo
from miniconf.problems import Problem
from miniconf.serving.page_notes import mark_page
from miniconf.serving.same_origin import protect_visitors_too

from . import kinds, lines, services
from .branches import tree_of
from .frozen import FrozenRun
from .models import Demo, Run, RunPart
from .panels import NOT_READY_SECONDS, living_workers, may_discuss, panel_for, worker_ready
from .parts import part_bytes
from .run_pages import RunView, facts, timings
from .services import cancel_run, create_run, may_control, run_as_dict, visitor_of
from .stored import runs_of_examples


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
    demo = _demo(request, slug)
    return _demo_page(request, demo, inputs=_preset(request, demo), shown=_stored(request, demo))


@require_GET
def demo_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """What a kind can say at once about the form as it stands; nothing where the form is wrong."""
    demo = _demo(request, slug)
    kind = kinds.get(demo.kind)
    try:
        result = kind.preview(demo, kind.validate(demo, _posted(demo, request.GET)))
    except Problem:
        result = None
    if result is None:
        return HttpResponse(status=204, headers={"Cache-Control": "no-store"})
    response = render(request, f"demos/previews/{demo.kind}.html", {"result": result})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@protect_visitors_too
def run_demo(request: HttpRequest, slug: str) -> HttpResponse:
    """The form without JavaScript: to the run's page, or back to the form with what is wrong at each field."""
    demo = _demo(request, slug)
    inputs = _posted(demo, request.POST)
    try:
        run = create_run(demo=demo, inputs=inputs, user=request.user, visitor=visitor_of(request))
    except Problem as problem:
        return _demo_page(request, demo, inputs=inputs, problem=problem)
    return redirect(run)


@require_GET
def run_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("demo__paper", "user", "parent__demo"), pk=run_id)
    frozen = FrozenRun(run) if getattr(request, "frozen", None) else None
    view = _run_view(request, run, page=True)
    context = {
        "run": run,
        "view": view,
        "frozen": frozen,
        "facts": facts(run),
        "timings": timings(run),
        "parts": run.parts.defer("data").order_by("name"),
        "style": f"demos/kinds/{run.demo.kind}.css",
        "script": f"demos/kinds/{run.demo.kind}.js",
    }
    return render(request, "demos/run.html", context)


@require_GET
def run_result(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The result alone, for a page that has just seen the run end."""
    run = get_object_or_404(Run.objects.select_related("demo"), pk=run_id)
    view = _run_view(request, run, page=False)
    context = {"view": view, "run": run, "result": view.result, "finished": view.finished, "slug": view.slug}
    return render(request, view.template, {**context, "may_run": view.may_run})


@require_GET
def run_branches(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The tree that the run stands in; nothing for one that stands alone."""
    run = get_object_or_404(Run.objects.select_related("demo", "parent__demo"), pk=run_id)
    tree = tree_of(run, user=request.user, visitor=visitor_of(request))
    return render(request, "demos/branches.html", {"tree": tree}) if tree else HttpResponse(status=204)


@require_GET
def run_part(request: HttpRequest, run_id: UUID, name: str) -> HttpResponseBase:
    """Bytes that a run left; they never change once the run has ended."""
    part = get_object_or_404(RunPart.objects.defer("data").select_related("run"), run=run_id, name=name)
    etag = f'"{part.digest[:32]}"'
    if etag in request.headers.get("If-None-Match", ""):
        response = HttpResponse(status=304)
    else:
        packed = part.deflated and "deflate" in request.headers.get("Accept-Encoding", "")
        response = HttpResponse(bytes(part.data) if packed else part_bytes(part), content_type=part.content_type)
        if packed:
            response["Content-Encoding"] = "deflate"
        if part.content_type == "application/octet-stream":
            response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["ETag"] = etag
    response["Vary"] = "Accept-Encoding"
    lasting = "max-age=31536000, immutable" if part.run.state in Run.FINISHED else "no-cache"
    response["Cache-Control"] = f"private, {lasting}"
    return response


@require_POST
@protect_visitors_too
def stop_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The Stop button without JavaScript."""
    return _do_with_run(request, run_id, cancel_run)


@require_POST
@protect_visitors_too
def keep_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The button that keeps a run, without JavaScript."""
    return _do_with_run(request, run_id, services.keep_run)


def _do_with_run(request: HttpRequest, run_id: UUID, do: Callable[..., Run]) -> HttpResponse:
    run = get_object_or_404(Run, pk=run_id)
    try:
        do(run=run, user=request.user, visitor=visitor_of(request))
    except Problem as problem:
        return render(request, "demos/problem.html", {"problem": problem, "run": run}, status=problem.status)
    return redirect(run)


def _run_view(request: HttpRequest, run: Run, *, page: bool) -> RunView:
    frozen = getattr(request, "frozen", None) is not None
    asked = run_as_dict(run)
    return RunView(
        run.demo,
        run,
        position=asked["position"],
        wait=asked["wait"],
        may_control=not frozen and may_control(run=run, user=request.user, visitor=visitor_of(request)),
        may_run=not frozen and can_run(request.user, run.demo, getattr(request, "conference", None)),
        may_discuss=not frozen and may_discuss(request.user, run.demo),
        page=page,
        branches=tree_of(run, user=request.user, visitor=visitor_of(request)) if page and not frozen else [],
    )


def _demo(request: HttpRequest, slug: str) -> Demo:
    """A demo that is shown to all, or a draft of somebody who may edit it."""
    demo = get_object_or_404(Demo.objects.select_related("paper"), slug=slug, kind__in=kinds.KINDS)
    if not can_see_demo(request.user, demo):
        raise Http404("There is no such demo.")
    return demo


def _demo_page(
    request: HttpRequest,
    demo: Demo,
    *,
    inputs: dict[str, Any] | None,
    problem: Problem | None = None,
    shown: Run | None = None,
) -> HttpResponse:
    panel = panel_for(request=request, demo=demo, workers=living_workers(), inputs=inputs, problem=problem, shown=shown)
    context = {"panel": panel, "may_set_up": can_edit_demo(request.user, demo)}
    response = render(request, "demos/demo.html", context, status=problem.status if problem else 200)
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


def _stored(request: HttpRequest, demo: Demo) -> Run | None:
    """The result of the example that was chosen, where it was computed before."""
    place = request.GET.get("example", "")
    if not (place.isascii() and place.isdigit() and int(place) < len(demo.examples)):
        return None
    return runs_of_examples(demo)[int(place)]


def _posted(demo: Demo, form: QueryDict) -> dict[str, Any]:
    """The form's inputs as text; the kind turns them into numbers or says what is wrong with them.

    A browser sends line breaks as CR LF and an empty field as "": where nothing may stand, that means "left open". Of a box
    that is not ticked it sends nothing.
    """
    inputs: dict[str, Any] = {}
    for name, field in kinds.get(demo.kind).Inputs.model_fields.items():
        if field.annotation is bool:
            inputs[name] = name in form
        elif field.json_schema_extra == lines.SCHEMA and name in form:
            inputs[name] = lines.from_lines(str(form[name]))
        elif get_origin(field.annotation) is list and name in form:
            inputs[name] = [value for value in form.getlist(name) if value]
        elif name in form:
            value = str(form[name]).replace("\r\n", "\n")
            inputs[name] = None if value == "" and field.default is None else value
    return inputs
