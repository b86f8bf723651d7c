"""A room on a page of its own: the whole history, threads and questions, and writing without JavaScript."""

from __future__ import annotations

from typing import Any, cast, get_args
from uuid import UUID, uuid4

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from miniconf.live.registry import LiveError

from .models import Message
from .notifications import read_thread
from .panel import panel_context, questions_context, thread_context
from .queries import LONGEST_PIECE, find_place, has_later, later
from .questions import DEEPEST, Show, Sort
from .rooms import RoomInfo
from .services import open_room, send_message

STATUS = {"rate_limited": 429, "slow_mode": 429, "client_id_used": 409, "muted": 403, "locked": 403, "banned": 403}
LARGEST = 2**53


def opened(request: HttpRequest, room_key: str) -> RoomInfo | HttpResponse:
    """The room, or the answer to one who may not or cannot see it."""
    try:
        return open_room(user=request.user, room_key=room_key)
    except LiveError as error:
        if error.code == "forbidden":
            return redirect_to_login(request.get_full_path())
        if error.code == "banned":
            return render(request, "chat/refused.html", {"reason": error.message}, status=403)
        raise Http404(error.message) from error


def number_in(request: HttpRequest, name: str) -> int | None:
    """A number in the address, None where there is none. Raises ValueError with a sentence."""
    text = request.GET.get(name)
    if text is None:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0
    if not 0 < number < LARGEST:
        raise ValueError(f"“{name}” is the number of a message.")
    return number


@require_http_methods(["GET", "HEAD", "POST"])
def room(request: HttpRequest, room_key: str) -> HttpResponse:
    found = opened(request, room_key)
    if isinstance(found, HttpResponse):
        return found
    if request.method == "POST":
        return _send(request, found)
    try:
        before, around = number_in(request, "before"), number_in(request, "around")
        opened_thread = number_in(request, "thread")
    except ValueError as error:
        return _bad_request(str(error))
    if around is not None:
        around, reply_to = find_place(found, around)
        opened_thread = opened_thread or reply_to
    root = _root(found, opened_thread) if opened_thread else None
    if root is not None:
        read_thread(user=request.user, root=root.pk)
    return _page(request, found, before=before, around=around, root=root)


@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, room_key: str, message_id: int) -> HttpResponse:
    found = opened(request, room_key)
    if isinstance(found, HttpResponse):
        return found
    root = _root(found, message_id)
    if request.method == "POST":
        return _send(request, found, root)
    read_thread(user=request.user, root=root.pk)
    try:
        after = number_in(request, "after") or 0
    except ValueError as error:
        return _bad_request(str(error))
    return _page(request, found, root=root, after=after)


@require_safe
def questions(request: HttpRequest, room_key: str) -> HttpResponse:
    found = opened(request, room_key)
    if isinstance(found, HttpResponse):
        return found
    show, sort = request.GET.get("show", "open"), request.GET.get("sort", "votes")
    offset = request.GET.get("offset", "0")
    if show not in get_args(Show) or sort not in get_args(Sort):
        return _bad_request("“show” is open, answered or all; “sort” is votes, newest or unanswered.")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 6 and int(offset) <= DEEPEST):
        return _bad_request(f"“offset” is a number up to {DEEPEST}.")
    listed = questions_context(request, found, show=cast(Show, show), sort=cast(Sort, sort), offset=int(offset))
    return _page(request, found, **listed)


def _root(found: RoomInfo, message_id: int) -> Message:
    known = Message.objects.filter(room__key=found.key, thread=None).select_related("author", "room")
    root = known.filter(pk=message_id).first() if message_id < 2**63 else None
    if root is None:
        raise Http404("There is no such message in this room.")
    return root


def _send(request: HttpRequest, found: RoomInfo, root: Message | None = None) -> HttpResponse:
    text = request.POST.get("text", "")
    asked = request.POST.get("asked") == "1"
    try:
        client_id = UUID(request.POST.get("client_id", ""))
    except ValueError:
        client_id = uuid4()
    try:
        event = send_message(
            user=request.user,
            room_key=found.key,
            client_id=client_id,
            text=text,
            asked=asked,
            thread=root.pk if root else None,
        )
    except LiveError as error:
        if error.code == "sign_in":
            return redirect_to_login(request.get_full_path())
        status = STATUS.get(error.code, 400)
        return _page(request, found, root=root, error=error.message, text=text, asked=asked, status=status)
    return redirect(f"{back_to(request, request.path)}#m{event['n']}")


def back_to(request: HttpRequest, otherwise: str) -> str:
    """Where the form says its page is, if that is on this site."""
    back = request.POST.get("next", "").partition("#")[0]
    secure = request.is_secure()
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=secure):
        return otherwise
    return back


def _bad_request(sentence: str) -> HttpResponse:
    return HttpResponseBadRequest(sentence, content_type="text/plain; charset=utf-8")


def _page(
    request: HttpRequest,
    found: RoomInfo,
    *,
    before: int | None = None,
    around: int | None = None,
    root: Message | None = None,
    after: int = 0,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = panel_context(request, found, "Conversation", before=before, around_number=around, limit=LONGEST_PIECE)
    if root is not None:
        context |= thread_context(request, found, root, after=after)
    if context["later"] is not None:
        # The page after this one ends where the next piece does.
        following = later(found, after=context["later"], limit=LONGEST_PIECE)
        last = following[-1]["n"]
        context["newer"] = last + 1 if has_later(found, last) or len(following) == LONGEST_PIECE else None
    return render(request, "chat/room.html", {**context, **more}, status=status)
