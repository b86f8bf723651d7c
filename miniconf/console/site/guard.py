"""Who may see these pages, and what all of them say."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from miniconf.accounts.models import User
from miniconf.permissions import can_change_settings

View = Callable[..., HttpResponse]


def organizers_only(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not can_change_settings(request.user):
            raise PermissionDenied("These pages are for organizers.")
        return view(request, *args, **kwargs)

    guarded_view: View = never_cache(login_required(guarded))
    return guarded_view


def me(request: HttpRequest) -> User:
    return cast(User, request.user)


def say(request: HttpRequest, changed: bool) -> None:
    if changed:
        messages.success(request, "Saved.")
    else:
        messages.info(request, "Nothing was changed.")
