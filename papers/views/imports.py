"""Importing on the site: upload, look at what would change, apply, take back. For organizers."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.permissions import can_import
from miniconf.problems import Problem
from papers import import_undo, imports
from papers.change_texts import field_changes, label_of, text_of
from papers.importers import formats
from papers.models import Import, ImportChange
from papers.zones import zone_choices

CHANGES_ON_A_PAGE = 50
_BUSY = (Import.State.WAITING, Import.State.READING, Import.State.APPLYING, Import.State.UNDOING)


class UploadForm(forms.Form):
    format = forms.ChoiceField(required=False, help_text="Recognised by its files, if not chosen.")
    timezone = forms.ChoiceField(
        required=False,
        label="Time zone",
        help_text="Of times that are written without one. None: such times are refused.",
    )
    source = forms.RegexField(
        r"^[a-z0-9][a-z0-9-]{0,39}$",
        required=False,
        label="Name of the source",
        help_text="Small letters, digits and -. Files imported under the same name are compared with what came before.",
    )
    overwrite = forms.BooleanField(
        required=False, label="Take the source's value where a field was edited on this site"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name, module.TITLE) for name, module in formats().items()]
        cast(forms.ChoiceField, self.fields["format"]).choices = [("", "Recognise it"), *known]
        cast(forms.ChoiceField, self.fields["timezone"]).choices = [("", "None"), *((z, z) for z in zone_choices())]


def _organizer(request: HttpRequest) -> User:
    if not can_import(request.user):
        raise PermissionDenied("Only organizers import a programme.")
    return cast(User, request.user)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """Earlier imports, and the form for a new one."""
    user = _organizer(request)
    form = UploadForm(request.POST if request.method == "POST" else None)
    problem, status = "", 200
    if request.method == "POST":
        if form.is_valid():
            try:
                given = request.FILES.getlist("files")
                record = imports.create(
                    user=user,
                    files=[(file.name or "", file.file) for file in given],  # type: ignore[misc]
                    mapping=request.FILES["map"].file if "map" in request.FILES else None,  # type: ignore[union-attr]
                    options=form.cleaned_data,
                )
                imports.queue(record, "read")
                return redirect(record)
            except Problem as refused:
                problem, status = refused.detail, refused.status
        else:
            status = 422
    page = Paginator(Import.objects.select_related("user"), 20).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "problem": problem, "largest": imports.LARGEST_UPLOAD // 1_000_000}
    return render(request, "papers/imports.html", context, status=status)


@login_required
@require_safe
def import_page(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """One import: how far it is, what it changes row by row, or what is wrong with its files."""
    _organizer(request)
    record = get_object_or_404(Import.objects.select_related("user"), pk=import_id)
    busy = record.state in _BUSY
    if request.headers.get("HX-Request"):
        if not busy:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(
            request, "papers/import_progress.html", {"import": record, "progress": imports.progress_of(record)}
        )
    tally = record.changes.order_by().values("kind", "action").annotate(count=Count("pk"))
    groups = [(row["kind"], row["action"], row["count"]) for row in tally.order_by("kind", "action")]
    kind, action = request.GET.get("kind", ""), request.GET.get("action", "")
    changes = record.changes.all()
    if (kind, action) in {(k, a) for k, a, _ in groups}:
        changes = changes.filter(kind=kind, action=action)
    else:
        # What is merely added says little: what changes, goes or is kept is looked at first.
        kind = action = ""
        if any(a != ImportChange.Action.ADDED for _, a, _ in groups):
            changes = changes.exclude(action=ImportChange.Action.ADDED)
    page = Paginator(changes.order_by("pk"), CHANGES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "import": record,
        "busy": busy,
        "progress": imports.progress_of(record) if busy else None,
        "groups": groups,
        "kind": kind,
        "action": action,
        "page": page,
        "rows": [_row(change) for change in page],
        "zone_missing": any("--timezone" in problem["expected"] for problem in record.problems),
        "undoable": record.state == Import.State.APPLIED,
    }
    return render(request, "papers/import.html", context)


def _row(change: ImportChange) -> dict[str, Any]:
    return {
        "change": change,
        "fields": field_changes(change.before, change.after)
        if change.action in (ImportChange.Action.CHANGED, ImportChange.Action.KEPT)
        else [],
        "conflicts": [
            (label_of(name), text_of(ours), text_of(theirs)) for name, (ours, theirs) in change.conflicts.items()
        ],
    }


@login_required
@require_POST
def import_action(request: HttpRequest, import_id: UUID, action: str) -> HttpResponse:
    """`apply`, `discard` or `undo`."""
    _organizer(request)
    record = get_object_or_404(Import, pk=import_id)
    try:
        if action == "apply":
            imports.queue(record, "apply")
        elif action == "discard":
            imports.discard(record)
        else:
            import_undo.begin(record)
    except Problem as problem:
        return render(request, "site/problem.html", {"problem": problem}, status=problem.status)
    return redirect("imports" if action == "discard" else record)
