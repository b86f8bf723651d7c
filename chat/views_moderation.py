"""Moderators' pages: the stream of all rooms, reports, one room, sanctions, words, the record, and the acts themselves."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.guards import only_for
from miniconf.live.registry import LiveError
from miniconf.permissions import can_moderate, can_moderate_room, can_see_moderation

from . import changes, moderation, order, oversight
from .models import BlockedWord, Message, Room, Sanction
from .oversight import Wanted
from .rooms import RoomInfo
from .services import existing_room
from .titles import titles_of

CARDS_PER_PAGE = 10
ROWS_PER_PAGE = 50
LONGEST_NUMBER = 18  # digits
DURATIONS = {"10": "10 minutes", "60": "1 hour", "1440": "1 day", "10080": "1 week", "": "for good"}
SLOW = {0: "No waiting", 10: "10 seconds", 30: "30 seconds", 60: "1 minute", 300: "5 minutes"}

overseers_only = only_for(can_see_moderation, "The moderators' pages are for organizers.")


def page_context(request: HttpRequest, here: str, **more: Any) -> dict[str, Any]:
    """What every moderators' page shows: where one is, and how much waits elsewhere."""
    overseer = can_see_moderation(request.user)
    return {
        "here": here,
        "overseer": overseer,
        "waiting": moderation.counts() if overseer else {},
        "back": request.get_full_path(),
        **more,
    }


def number_of(text: str) -> int | None:
    return int(text) if re.fullmatch(rf"[0-9]{{1,{LONGEST_NUMBER}}}", text) else None


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def key_of(text: str) -> str:
    return text[:200].replace("\x00", "")


def back_to(request: HttpRequest, otherwise: str, anchor: str = "") -> HttpResponse:
    address = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        address = otherwise
    return redirect(f"{address.partition('#')[0]}{'#' + anchor if anchor else ''}")


# --- Everything that is said -----------------------------------------------------------------------------------------


@overseers_only
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All rooms as one stream. With `after`, only the lines that are new since: what an open page asks for."""
    wanted = _wanted(request)
    after, before = number_of(request.GET.get("after", "")), number_of(request.GET.get("before", ""))
    if after is not None:
        piece = oversight.stream(request.user, wanted, after=after)
        return render(
            request, "chat/moderation/lines.html", {"lines": piece.lines, "overseer": True, "back": _own(request)}
        )
    person = User.objects.filter(public_id=wanted.person).first() if wanted.person else None
    context = page_context(
        request,
        "overview",
        wanted=wanted,
        shows=oversight.SHOWS,
        piece=oversight.stream(request.user, wanted, before=before),
        rooms=[] if before else oversight.active_rooms(),
        person=person,
        live=before is None,
    )
    return render(request, "chat/moderation/overview.html", {**context, "back": _own(request)})


def _wanted(request: HttpRequest) -> Wanted:
    show = request.GET.get("show", "all")
    return Wanted(
        show=show if show in oversight.SHOWS else "all",
        room=key_of(request.GET.get("room", "")),
        person=uuid_of(request.GET.get("person", "")),
    )


def _own(request: HttpRequest) -> str:
    """The page itself, also where only its new lines were asked for."""
    query = request.GET.copy()
    query.pop("after", None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


@overseers_only
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    settled, room = request.GET.get("state") == "settled", key_of(request.GET.get("room", ""))
    page = Paginator(oversight.reported(room=room, settled=settled), CARDS_PER_PAGE).get_page(request.GET.get("page"))
    cards = oversight.cards(request.user, list(page))
    context = page_context(request, "reports", page=page, cards=cards, settled=settled, room_key=room)
    return render(request, "chat/moderation/reports.html", context)


# --- Acts ------------------------------------------------------------------------------------------------------------

DONE = {
    "hide": "The message is hidden.",
    "keep": "The message stays hidden; its reports are settled.",
    "show": "The message is shown.",
    "dismiss": "The message stands; its reports are settled.",
    "delete": "The message is deleted.",
    "pin": "The message is pinned.",
    "unpin": "The pin is taken away.",
}


@never_cache
@login_required
@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Do something about a message. The answer to a script is the message's new line or card; to a form, the page."""
    message_id, name = number_of(request.POST.get("message", "")), request.POST.get("act", "")
    if message_id is None or name not in DONE:
        raise Http404("There is no such act or message.")
    said, failed = DONE[name], False
    try:
        _act(request, name, message_id)
    except LiveError as error:
        said, failed = error.message, True
    if getattr(request, "htmx", False):
        return _part(request, message_id, said, failed)
    (messages.error if failed else messages.success)(request, said)
    return back_to(request, reverse("moderation"), f"message-{message_id}")


def _act(request: HttpRequest, name: str, message_id: int) -> None:
    user, reason = request.user, request.POST.get("reason", "")
    match name:
        case "hide":
            moderation.hide_message(user=user, message_id=message_id, reason=reason)
        case "keep":
            moderation.keep_hidden(user=user, message_id=message_id)
        case "show":
            moderation.show_message(user=user, message_id=message_id)
        case "dismiss":
            moderation.dismiss_reports(user=user, message_id=message_id)
        case "delete":
            moderation.remove_message(user=user, message_id=message_id, reason=reason)
        case _:
            changes.pin(user=user, message_id=message_id, on=name == "pin")


def _part(request: HttpRequest, message_id: int, said: str, failed: bool) -> HttpResponse:
    found = Message.objects.select_related("author", "room", "thread").filter(pk=message_id).first()
    if found is None:
        raise Http404(said)
    try:
        room = existing_room(found.room.key)
    except LiveError as error:
        raise Http404(error.message) from error
    if not can_moderate_room(request.user, room.key, room.author_ids):
        raise PermissionDenied(said)
    (line,) = oversight.lines_of(request.user, [found], room)
    context = {
        "said": said,
        "failed": failed,
        "line": line,
        "overseer": can_see_moderation(request.user),
        "back": request.POST.get("next", ""),
    }
    if request.POST.get("part") == "card":
        context["card"] = oversight.Card(line, *oversight.around(found))
        return render(request, "chat/moderation/card.html", context)
    return render(request, "chat/moderation/line.html", context)


# --- One room --------------------------------------------------------------------------------------------------------


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def room(request: HttpRequest, room_key: str) -> HttpResponse:
    """One room's reports, hidden messages and state. Authors have this page for their own room."""
    try:
        found = existing_room(room_key)
    except LiveError as error:
        raise Http404(error.message) from error
    if not can_moderate_room(request.user, found.key, found.author_ids):
        raise PermissionDenied("Organizers moderate this room, and the authors of what it belongs to.")
    if request.method == "POST":
        _set_room(request, found)
        return redirect("moderation_room", found.key)
    page = Paginator(oversight.reported(room=found.key), CARDS_PER_PAGE).get_page(request.GET.get("page"))
    reported = {message.pk for message in page}
    hidden = Wanted(show="hidden", room=found.key).messages().exclude(pk__in=reported)[:ROWS_PER_PAGE]
    full = can_moderate(request.user, found.key)
    context = page_context(
        request,
        "room",
        room=found,
        row=Room.objects.filter(key=found.key).first(),
        page=page,
        cards=oversight.cards(request.user, list(page), found),
        hidden=oversight.lines_of(request.user, list(hidden), found),
        full=full,
        one_room=True,
        titles=titles_of([found.key]),
        slow=SLOW,
        sanctions=order.in_force().filter(room__key=found.key).select_related("user", "room", "made_by")[:ROWS_PER_PAGE]
        if full
        else [],
    )
    return render(request, "chat/moderation/room.html", context)


def _set_room(request: HttpRequest, found: RoomInfo) -> None:
    lock = {"lock": True, "unlock": False}.get(request.POST.get("act", ""))
    slow = number_of(request.POST.get("slow_seconds", "")) if request.POST.get("act") == "slow" else None
    try:
        row = moderation.set_room(user=request.user, room_key=found.key, locked=lock, slow_seconds=slow)
    except LiveError as error:
        messages.error(request, error.message)
    else:
        state = "closed: only moderators write" if row.locked else "open"
        pace = f", one message each {row.slow_seconds} seconds" if row.slow_seconds else ""
        messages.success(request, f"The room is {state}{pace}.")


# --- Sanctions, words, the record ------------------------------------------------------------------------------------


@overseers_only
@require_http_methods(["GET", "HEAD", "POST"])
def sanctions(request: HttpRequest) -> HttpResponse:
    """Those in force, or all that were; a POST lifts one."""
    if request.method == "POST":
        try:
            lifted = moderation.lift(user=request.user, sanction_id=number_of(request.POST.get("sanction", "")) or 0)
        except LiveError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{lifted.user.display_name} may take part again, as far as this sanction goes.")
        return back_to(request, reverse("moderation_sanctions"))
    past = request.GET.get("state") == "past"
    found = Sanction.objects.exclude(pk__in=order.in_force().values("pk")) if past else order.in_force()
    page = Paginator(found.select_related("user", "room", "made_by"), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    titles = titles_of(row.room.key for row in page if row.room)
    context = page_context(request, "sanctions", page=page, past=past, titles=titles)
    return render(request, "chat/moderation/sanctions.html", context)


@overseers_only
@require_http_methods(["GET", "HEAD", "POST"])
def words(request: HttpRequest) -> HttpResponse:
    """The word list. A text can be tried: `text` in the address, so that trying changes nothing."""
    if request.method == "POST":
        try:
            if request.POST.get("act") == "remove":
                moderation.remove_word(user=request.user, word_id=number_of(request.POST.get("word", "")) or 0)
            else:
                effect = request.POST.get("effect", "")
                row = moderation.set_word(user=request.user, word=request.POST.get("word", ""), effect=effect)
                messages.success(request, f"“{row.word}” is on the list.")
        except LiveError as error:
            messages.error(request, error.message)
        return redirect("moderation_words")
    text = request.GET.get("text", "")[:4000]
    context = page_context(
        request,
        "words",
        words=BlockedWord.objects.order_by("word")[: order.MOST_WORDS],
        text=text,
        found=order.blocked_words(text) if text else [],
    )
    return render(request, "chat/moderation/words.html", context)


@overseers_only
@require_safe
def record(request: HttpRequest) -> HttpResponse:
    action = request.GET.get("action", "")
    person = uuid_of(request.GET.get("person", ""))
    found = oversight.record(
        action=action if action in moderation.ACTIONS else "", room=key_of(request.GET.get("room", "")), person=person
    )
    page = Paginator(found, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = page_context(
        request,
        "record",
        page=page,
        acts=[(row, moderation.ACTIONS.get(row.action, row.action)) for row in page],
        titles=titles_of(row.room_key for row in page if row.room_key),
        actions=moderation.ACTIONS,
        action=action,
        room_key=key_of(request.GET.get("room", "")),
        person=User.objects.filter(public_id=person).first() if person else None,
    )
    return render(request, "chat/moderation/record.html", context)


def minutes_of(text: str) -> timedelta | None:
    """How long a sanction lasts; "" for good. Raises LiveError for anything that is not among DURATIONS."""
    if text not in DURATIONS:
        raise LiveError("invalid", "A duration of the list was expected.")
    return timedelta(minutes=int(text)) if text else None
