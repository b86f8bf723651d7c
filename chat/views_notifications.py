"""Pages about what somebody has not seen yet: notifications, unread rooms; and how much they want to hear."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.live.registry import LiveError
from miniconf.problems import Problem

from . import notifications
from .follows import CHOICES, level_of, set_follow
from .links import permalink
from .models import Notification
from .unread import overview

PER_PAGE = 40
MOST_PAGES = 250


@never_cache
@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    found = notifications.for_page(user)
    only_unread = request.GET.get("show") == "unread"
    if only_unread:
        found = found.filter(read_at=None)
    shown = Paginator(found[: PER_PAGE * MOST_PAGES], PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": shown,
        "newest": found.values_list("pk", flat=True).first() or 0,
        "groups": notifications.grouped(shown.object_list),
        "unread": notifications.unread_count(user),
        "only_unread": only_unread,
    }
    return render(request, "chat/notifications.html", context)


@never_cache
@login_required
@require_safe
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a notification: on to its message."""
    user = cast(User, request.user)
    found = get_object_or_404(
        Notification.objects.select_related("message__room", "message__thread"), pk=pk, user_id=user.pk
    )
    notifications.read(user, Q(pk=pk))
    return redirect(permalink(found.message, found.message.room.key))


@never_cache
@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """All that stood on the page; what came since stays unread."""
    newest = request.POST.get("newest", "")
    if not (newest.isascii() and newest.isdecimal() and len(newest) < 19):
        raise Problem(400, "Which ones?", "“newest” is the number of the newest notification that was shown.")
    notifications.read(cast(User, request.user), Q(pk__lte=int(newest)))
    return redirect("notifications")


@never_cache
@login_required
@require_safe
def unread(request: HttpRequest) -> HttpResponse:
    return render(request, "chat/inbox.html", {"overview": overview(cast(User, request.user))})


@never_cache
@require_POST
def follow(request: HttpRequest) -> HttpResponse:
    """How much of a room or thread one wants to hear; answers htmx with the form, others with the page they came from."""
    room_key, level = request.POST.get("room", ""), request.POST.get("level", "")
    number = request.POST.get("thread", "")
    thread = int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else None
    try:
        set_follow(user=request.user, room_key=room_key, level=level, thread=thread)
    except LiveError as error:
        if error.code in ("forbidden", "sign_in"):
            return redirect_to_login(_back(request))
        if error.code in ("no_room", "no_message"):
            raise Http404(error.message) from error
        raise Problem(400, "That cannot be followed", error.message) from error
    user = cast(User, request.user)
    if getattr(request, "htmx", False):
        chosen = level_of(user=user, room_key=room_key, thread=thread)
        context = {"room_key": room_key, "thread": thread, "level": chosen, "choices": CHOICES, "saved": True}
        return render(request, "chat/follow.html", context)
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The page the form stood on, if it is one of this site."""
    referer = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if own else resolve_url("unread")
