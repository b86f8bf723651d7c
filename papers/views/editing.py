"""Editing the programme on the site, its history, and what waits for an organizer."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.permissions import can_edit_everything
from miniconf.problems import Problem
from papers import editing
from papers.change_texts import field_changes
from papers.edit_forms import EditForm
from papers.models import Conference, Edit
from papers.values import KINDS, values
from papers.zones import named_zone

from .site import conference_of

EDITS_ON_A_PAGE = 30


def _zone(conference: Conference) -> Any:
    return named_zone(conference.timezone) or named_zone("UTC")


def _address(row: Any) -> str:
    return row.get_absolute_url() if hasattr(row, "get_absolute_url") else "/"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """The form of one row, with the fields that this member may change."""
    row = _row(kind, key)
    names = editing.fields_for(request.user, kind, row)
    if not names:
        raise PermissionDenied("Only its authors and the organizers may change this.")
    if kind in editing.OTHERS:
        return redirect(editing.OTHERS[kind].address(row))
    present = values(row)
    form = EditForm(
        request.POST if request.method == "POST" else None,
        kind=kind,
        names=names,
        present=present,
        source=getattr(row, "source", ""),
        zone=_zone(conference_of(request)),
        initial={"version": editing.version_of(present)},
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                with transaction.atomic():
                    made = editing.edit(
                        user=cast(User, request.user),
                        kind=kind,
                        key=key,
                        changes=form.changes(),
                        note=form.cleaned_data["note"],
                        version=form.cleaned_data["version"],
                    )
            except Problem as problem:
                if problem.status != 409:
                    raise
                form.add_error(None, f"{problem.detail} Look at the page as it is now, then save again to change it.")
                form.data = form.data.copy()  # type: ignore[attr-defined]
                form.data["version"] = editing.version_of(values(_row(kind, key)))  # type: ignore[index]
                status = 409
            else:
                _say(request, made)
                return redirect(_address(_row(kind, key)))
        else:
            status = 422
    context = {
        "form": form,
        "kind": kind,
        "key": key,
        "row": row,
        "address": _address(row),
        "waits": conference_of(request).approve_author_edits and not can_edit_everything(request.user),
        "waiting": Edit.objects.filter(
            kind=kind, key=key, state=Edit.State.WAITING, user=cast(User, request.user)
        ).first(),
    }
    return render(request, "papers/edit.html", context, status=status)


def _say(request: HttpRequest, made: Edit | None) -> None:
    if made is None:
        messages.info(request, "Nothing was changed.")
    elif made.state == Edit.State.WAITING:
        messages.info(request, "Thank you. The change is shown once an organizer has approved it.")
    else:
        messages.success(request, "Saved.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, kind: str) -> HttpResponse:
    """A new paper, session, event, …, made on the site."""
    if kind not in KINDS or kind == "conference":
        raise Http404(f"There are no rows of the kind {kind}.")
    if not can_edit_everything(request.user):
        raise PermissionDenied("Only organizers add to the programme.")
    form = EditForm(
        request.POST if request.method == "POST" else None,
        kind=kind,
        names=KINDS[kind].fields,
        present={},
        source="",
        zone=_zone(conference_of(request)),
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with transaction.atomic():
                    made = editing.create(user=cast(User, request.user), kind=kind, changes=form.changes())
            except Problem as problem:
                form.add_error("key" if problem.status == 422 else None, problem.detail)
            else:
                return redirect(_address(_row(kind, made.key)))
    return render(request, "papers/edit.html", {"form": form, "kind": kind, "address": "/"}, status=status)


@login_required
@require_safe
def history(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """All changes of one row, the newest first; for whoever may change it."""
    row = _row(kind, key)
    if not editing.fields_for(request.user, kind, row):
        raise PermissionDenied("Only its authors and the organizers see what was changed.")
    edits = Edit.objects.filter(kind=kind, key=key)
    if not can_edit_everything(request.user):
        edits = edits.filter(user=cast(User, request.user))
    return _edits(request, edits, {"row": row, "kind": kind, "key": key, "address": _address(row)})


@login_required
@require_safe
def edits(request: HttpRequest) -> HttpResponse:
    """What was changed on the site; first what waits for a decision."""
    if not can_edit_everything(request.user):
        raise PermissionDenied("Only organizers see all changes.")
    waiting = Edit.objects.filter(state=Edit.State.WAITING)
    state = "waiting" if request.GET.get("state") == "waiting" else ""
    found = waiting if state else Edit.objects.all()
    return _edits(request, found, {"state": state, "waiting_count": waiting.count()})


def _edits(request: HttpRequest, found: Any, context: dict[str, Any]) -> HttpResponse:
    page = Paginator(found.select_related("user", "decided_by"), EDITS_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [{"edit": made, "fields": field_changes(made.before, made.after)} for made in page]
    may_decide = can_edit_everything(request.user)
    return render(request, "papers/edits.html", {"page": page, "rows": rows, "may_decide": may_decide, **context})


@login_required
@require_POST
def edit_action(request: HttpRequest, edit_id: int, action: str) -> HttpResponse:
    """`accept` or `refuse` what waits, `revert` what was applied."""
    made = get_object_or_404(Edit, pk=edit_id)
    user = cast(User, request.user)
    try:
        if action == "revert":
            if editing.take_back(user=user, made=made) is None:
                messages.info(request, "It is as it was already.")
        else:
            editing.decide(user=user, waiting=made, accept=action == "accept", note=request.POST.get("note", ""))
    except Problem as problem:
        return render(request, "site/problem.html", {"problem": problem}, status=problem.status)
    if action == "revert":
        return redirect("history", made.kind, made.key)
    return redirect("edits")


def _row(kind: str, key: str) -> Any:
    try:
        return editing.find(kind, key)
    except Problem as problem:
        raise Http404(problem.detail) from None
