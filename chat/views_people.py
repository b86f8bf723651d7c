"""What moderators know and do about one person, and everybody's own data as a file."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.live.registry import LiveError
from miniconf.permissions import can_forget, can_moderate_room, can_read_personal_data, can_sanction, is_member
from miniconf.personal_data import data_of

from . import moderation, order, oversight, privacy, room_export
from .models import Report
from .oversight import Wanted
from .services import existing_room
from .titles import titles_of
from .views_moderation import DURATIONS, key_of, minutes_of, overseers_only, page_context

ROWS_SHOWN = 20


@overseers_only
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")
    context = page_context(request, "people", text=text, people=oversight.find_people(text))
    return render(request, "chat/moderation/people.html", context)


@overseers_only
@require_safe
def person(request: HttpRequest, public_id: str) -> HttpResponse:
    """Somebody's messages, sanctions, what moderators did about them, and what can be done."""
    about = get_object_or_404(User, public_id=public_id)
    piece = oversight.stream(request.user, Wanted(person=about.public_id))
    in_force = list(order.in_force().filter(user=about).select_related("room", "made_by", "user"))
    over = about.sanctions.exclude(pk__in=[row.pk for row in in_force]).select_related("room", "made_by", "user")
    past = list(over[:ROWS_SHOWN])
    acts = list(oversight.record(person=about.public_id)[:ROWS_SHOWN])
    keys = [row.room.key for row in (*in_force, *past) if row.room] + [row.room_key for row in acts if row.room_key]
    context = page_context(
        request,
        "people",
        about=about,
        piece=piece,
        rooms={line.room.key: line.room for line in piece.lines if line.room}.values(),
        durations=DURATIONS,
        in_force=in_force,
        past=past,
        acts=[(row, moderation.ACTIONS.get(row.action, row.action)) for row in acts],
        titles=titles_of(keys),
        messages_count=about.chat_messages.count(),
        reports_about=Report.objects.filter(message__author=about).count(),
        reports_made=about.reports_made.count(),
        may_sanction=can_sanction(request.user, about),
        may_forget=can_forget(request.user, about),
        accounts=privacy.ACCOUNTS,
    )
    return render(request, "chat/moderation/person.html", context)


@overseers_only
@require_POST
def sanction(request: HttpRequest, public_id: str) -> HttpResponse:
    """Mute or ban somebody, or hide what they wrote in the last day."""
    about, act = get_object_or_404(User, public_id=public_id), request.POST.get("act", "")
    reason = request.POST.get("reason", "")
    try:
        if act == "hide_all":
            since = now() - timedelta(days=1)
            hidden = moderation.hide_all(user=request.user, about=about, since=since, reason=reason)
            messages.success(request, f"{hidden} message{'' if hidden == 1 else 's'} of the last 24 hours hidden.")
        else:
            made = moderation.sanction(
                user=request.user,
                about=about,
                kind=act,
                room_key=key_of(request.POST.get("room", "")),
                lasts=minutes_of(request.POST.get("minutes", "")),
                reason=reason,
            )
            verb = "muted" if made.kind == "mute" else "banned"
            messages.success(request, f"{about.display_name} is {verb} {moderation.terms_of(made)}.")
    except LiveError as error:
        messages.error(request, error.message)
    return redirect("moderation_person", about.public_id)


@overseers_only
@require_POST
def forget(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a person's name off everything; the answer is the report of what was done."""
    about = get_object_or_404(User, public_id=public_id)
    if request.POST.get("certain") != "yes":
        messages.error(request, "Nothing was changed: please confirm that this cannot be taken back.")
        return redirect("moderation_person", about.public_id)
    name = about.display_name
    try:
        report = privacy.forget_person(
            actor=request.user,
            about=about,
            account=request.POST.get("account", ""),
            remove_texts=request.POST.get("texts") == "remove",
            note=request.POST.get("note", ""),
        )
    except LiveError as error:
        messages.error(request, error.message)
        return redirect("moderation_person", public_id)
    context = page_context(request, "people", name=name, report=report.as_lines())
    return render(request, "chat/moderation/forgotten.html", context)


# --- Files -----------------------------------------------------------------------------------------------------------


@never_cache
@login_required
@require_safe
def export_room(request: HttpRequest, room_key: str, name: str) -> HttpResponseBase:
    """A room's conversation as a file, for whoever moderates it."""
    try:
        room = existing_room(room_key)
    except LiveError as error:
        raise Http404(error.message) from error
    if not can_moderate_room(request.user, room.key, room.author_ids):
        raise PermissionDenied("Organizers export this room, and the authors of what it belongs to.")
    export = room_export.FORMATS.get(name)
    if export is None:
        raise Http404(f"There is no export {name}; there are {', '.join(room_export.FORMATS)}.")
    file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    for piece in export.pieces(room):
        file.write(piece.encode())
    file.seek(0)
    file_name = f"{slugify(room.key.replace(':', '-'))}.{name}"
    return FileResponse(file, as_attachment=True, filename=file_name, content_type=export.content_type)


@never_cache
@login_required
@require_safe
def personal_data(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """All that is kept about somebody, as JSON; without an id, about oneself."""
    user = request.user
    if not is_member(user):
        raise PermissionDenied("There is nothing about you here.")
    about = get_object_or_404(User, public_id=public_id) if public_id else user
    if not can_read_personal_data(user, about):
        raise PermissionDenied("This is for the person themselves and for organizers.")
    text = json.dumps(data_of(about), ensure_ascii=False, indent=2)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="data-{about.public_id.hex[:8]}.json"'
    return response
