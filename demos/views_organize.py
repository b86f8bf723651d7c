"""The organizers' page of demos: queue, workers, runs and failures; workers are drained and started anew here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from miniconf.live import BrokerDown
from miniconf.permissions import can_manage_demos, is_member
from miniconf.problems import Problem

from . import organizing, positions, queue, services
from .models import Run

ORDERS = {"drain": "drain", "restart": "restart", "resume": None}


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if can_manage_demos(request.user):
        return None
    if is_member(request.user):
        raise PermissionDenied
    return redirect_to_login(request.get_full_path())


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Asked again every few seconds by htmx, which takes the part that changes."""
    return _refusal(request) or _render(request)


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """`worker` with `do` drain, resume or restart; or `run` with `do` cancel."""
    if refused := _refusal(request):
        return refused
    said = ""
    do = request.POST.get("do", "")
    try:
        if worker := request.POST.get("worker", ""):
            said = _order(worker, do)
        elif run := request.POST.get("run", ""):
            said = _cancel(request, run)
    except BrokerDown as error:
        said = str(error)
    if request.htmx:  # type: ignore[attr-defined]
        return _render(request, said=said)
    return redirect("organize_demos")


def _order(worker: str, do: str) -> str:
    if do not in ORDERS:
        return f"There is no order {do[:40]!r}."
    if not any(found["name"] == worker for found in queue.workers()):
        return "That worker is gone; another one may have taken its place."
    queue.order(worker, ORDERS[do])
    positions.announce()  # who waits, waits for another time now
    return {
        "drain": "It takes no new runs and finishes its own.",
        "restart": "It finishes its runs, then starts anew.",
        "resume": "It takes runs again.",
    }[do]


def _cancel(request: HttpRequest, run_id: str) -> str:
    try:
        run = get_object_or_404(Run, pk=UUID(run_id))
        services.cancel_run(run=run, user=request.user, visitor="")
    except ValueError:
        return "There is no such run."
    except Problem as problem:
        return problem.detail
    return "The run is stopped."


def _render(request: HttpRequest, **more: Any) -> HttpResponse:
    template = "demos/organize_live.html" if request.htmx else "demos/organize.html"  # type: ignore[attr-defined]
    response = render(request, template, {"overview": organizing.overview(), **more})
    response["Cache-Control"] = "private, no-store"
    return response
