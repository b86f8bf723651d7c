"""Places at tables: signing up and leaving, the host's list, and a member's own tables."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.permissions import can_manage_seats, can_see_seats, can_take_seat, is_member
from papers import seats
from papers.models import Event, Seat
from papers.queries import visible_events

PANEL = "seats-title"  # the heading of the panel on the event's page


@require_POST
def seat(request: HttpRequest, uid: str) -> HttpResponse:
    """Take a place (`act=take`, with a `note`), or give it up (`act=leave`); back to the event's page either way."""
    event = get_object_or_404(visible_events(), uid=uid)
    user = request.user
    if not is_member(user):
        return redirect_to_login(event.get_absolute_url())
    try:
        if request.POST.get("act") == "leave":
            if seats.leave_seat(user=user, event=event):
                messages.success(request, f"You have given up your place at “{event.title}”.")
        elif not can_take_seat(user, event):
            messages.error(request, f"You host “{event.title}”: your place is certain.")
        else:
            had_one = seats.seat_of(user, event) is not None
            _tell(request, seats.take_seat(user=user, event=event, note=request.POST.get("note", "")), had_one)
    except seats.SeatRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{event.get_absolute_url()}#{PANEL}")


def _tell(request: HttpRequest, taken: Seat, had_one: bool) -> None:
    title = taken.event.title
    if had_one:
        messages.success(request, "Your note is changed.")
    elif taken.waiting:
        messages.warning(
            request, f"“{title}” is full: you are on its waiting list, and get a mail when a place is yours."
        )
    else:
        messages.success(request, f"You have a place at “{title}”.")


@never_cache
@login_required
@require_safe
def own_seats(request: HttpRequest) -> HttpResponse:
    """A member's own tables: those they sit at, wait for, and host."""
    user = request.user
    own = seats.seats_of(user) if is_member(user) else []
    hosted = visible_events().filter(people__user=user.pk, capacity__isnull=False).order_by("title").distinct()
    context = {
        "places": [seat for seat in own if not seat.waiting],
        "waits": [seat for seat in own if seat.waiting],
        "hosted": [(event, table) for event in hosted[:100] if (table := seats.table_of(event))],
        "now": now(),
    }
    return render(request, "papers/seats.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def host_list(request: HttpRequest, uid: str) -> HttpResponse:
    """Who sits at a table and who waits. Organizers close and open it, and take people off the list."""
    event = get_object_or_404(visible_events(), uid=uid)
    if not can_see_seats(request.user, event):
        raise PermissionDenied("The list of a table is for its hosts and organizers.")
    if request.method == "POST":
        if not can_manage_seats(request.user):
            raise PermissionDenied("Organizers manage the places of a table.")
        _manage(request, event)
        return redirect("table", event.uid)
    places, waits = seats.list_of(event)
    context = {
        "event": event,
        "table": seats.table_of(event),
        "places": places,
        "waits": waits,
        "may_manage": can_manage_seats(request.user),
    }
    return render(request, "papers/table.html", context)


def _manage(request: HttpRequest, event: Event) -> None:
    act, chosen = request.POST.get("act", ""), request.POST.get("seat", "")
    try:
        if act in ("close", "open"):
            seats.set_closed(event=event, closed=act == "close")
            messages.success(request, "The sign-up is closed." if act == "close" else "The sign-up is open again.")
        elif act == "clear":
            removed = seats.clear_seats(event=event)
            who = "1 person was" if removed == 1 else f"{removed} people were"
            messages.success(request, f"The list is empty; {who} on it.")
        elif act == "remove" and re.fullmatch(r"[0-9]{1,18}", chosen):
            taken = seats.remove_seat(event=event, seat_id=int(chosen))
            if taken is not None:
                messages.success(request, f"{taken.user.display_name} is off the list.")
    except seats.SeatRefused as refusal:
        messages.error(request, str(refusal))
