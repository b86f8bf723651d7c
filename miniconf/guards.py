"""Views for some people only."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from miniconf.accounts.models import User
from miniconf.permissions import Viewer

View = Callable[..., HttpResponse]


def only_for(rule: Callable[[Viewer], bool], otherwise: str) -> Callable[[View], View]:
    """A decorator: who has not signed in is asked to, others whom `rule` refuses are told `otherwise`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not rule(request.user):
                raise PermissionDenied(otherwise)
            return view(request, *args, **kwargs)

        guarded_view: View = never_cache(login_required(guarded))
        return guarded_view

    return decorate


def me(request: HttpRequest) -> User:
    """Whose request it is, in such a view."""
    return cast(User, request.user)
