"""A room on a page of its own: the whole history, and writing without JavaScript."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from miniconf.live.registry import LiveError

from .models import Room
from .panel import panel_context
from .queries import LONGEST_PIECE
from .rooms import RoomInfo
from .services import open_room, send_message

STATUS = {"rate_limited": 429, "client_id_used": 409}


@require_http_methods(["GET", "HEAD", "POST"])
def room(request: HttpRequest, room_key: str) -> HttpResponse:
    try:
        found = open_room(user=request.user, room_key=room_key)
    except LiveError as error:
        if error.code == "forbidden":
            return redirect_to_login(request.get_full_path())
        raise Http404(error.message) from error
    if request.method == "POST":
        return _send(request, found)
    try:
        before = int(request.GET["before"]) if "before" in request.GET else None
    except ValueError:
        before = -1
    if before is not None and not 0 < before < 2**53:
        return HttpResponseBadRequest("“before” is the number of a message.", content_type="text/plain; charset=utf-8")
    return _page(request, found, before=before)


def _send(request: HttpRequest, found: RoomInfo) -> HttpResponse:
    text = request.POST.get("text", "")
    try:
        client_id = UUID(request.POST.get("client_id", ""))
    except ValueError:
        client_id = uuid4()
    try:
        event = send_message(user=request.user, room_key=found.key, client_id=client_id, text=text)
    except LiveError as error:
        if error.code == "sign_in":
            return redirect_to_login(request.get_full_path())
        return _page(request, found, error=error.message, text=text, status=STATUS.get(error.code, 400))
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = request.path
    return redirect(f"{back}#m{event['n']}")


def _page(
    request: HttpRequest, found: RoomInfo, *, before: int | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    panel = panel_context(request, found, "Messages", before=before, limit=LONGEST_PIECE)
    newest = Room.objects.filter(key=found.key).values_list("last_number", flat=True).first() or 0
    newer = before + LONGEST_PIECE if before is not None and before + LONGEST_PIECE <= newest else None
    return render(request, "chat/room.html", {**panel, **more, "before": before, "newer": newer}, status=status)
