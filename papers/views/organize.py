"""The organizers' way into everything they change."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from miniconf.permissions import can_edit_everything
from papers.models import Edit, Import
from papers.queries import visible_events, visible_papers, visible_sessions
from papers.values import KINDS

LATEST = 5


@login_required
@require_safe
def organize(request: HttpRequest) -> HttpResponse:
    """What waits, what can be added, what came in last."""
    if not can_edit_everything(request.user):
        raise PermissionDenied("Only organizers find their tools here.")
    context = {
        "kinds": [name for name in KINDS if name != "conference"],
        "waiting": Edit.objects.filter(state=Edit.State.WAITING).count(),
        "imports": Import.objects.select_related("user")[:LATEST],
        "edits": Edit.objects.select_related("user")[:LATEST],
        "counts": [
            (visible_papers().count(), "papers", "papers"),
            (visible_sessions().count(), "sessions", "schedule"),
            (visible_events().count(), "events", "events"),
        ],
    }
    return render(request, "papers/organize.html", context)
