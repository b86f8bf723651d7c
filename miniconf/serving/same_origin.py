"""Protection against forged requests where a page is the same for everybody and so can hold no CSRF token.

Members are protected by Django's token as everywhere. What visitors may do without an account (run a demo) is
accepted when the browser says that a page of this site asks for it: `Origin` on every POST, or `Sec-Fetch-Site`.
Neither can be set by a script (Fetch standard, forbidden request-headers).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from ninja.utils import check_csrf

from miniconf.problems import Problem

View = Callable[..., HttpResponseBase]


def from_own_page(request: HttpRequest) -> bool | None:
    """Whether a page of this site sent `request`; None where no browser says so."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == f"{request.scheme}://{request.get_host()}" or origin in settings.CSRF_TRUSTED_ORIGINS
    site = request.headers.get("Sec-Fetch-Site")
    return None if site is None else site == "same-origin"


def _welcome(request: HttpRequest) -> bool:
    """Whether the page that asks is one of a site that may use the API here."""
    allowed = settings.CORS_ALLOW_ALL_ORIGINS or request.headers.get("Origin") in settings.CORS_ALLOWED_ORIGINS
    return allowed and request.path.startswith("/api/")


def refuse_other_sites(request: HttpRequest, *, unless_named: bool = False) -> None:
    """Raise Problem 403 for a visitor's request that another site's page sent, or with `unless_named` nobody's."""
    if request.user.is_authenticated or getattr(request, "_dont_enforce_csrf_checks", False):
        return
    own = from_own_page(request)
    if own is False and _welcome(request):
        return
    if own is False or (own is None and unless_named):
        raise Problem(
            403,
            "Not sent from this site",
            "Runs can be started and stopped on this site's own pages, or by programs through the API.",
        )


def protect_visitors_too(view: View) -> View:
    """For views that take forms of members, with a token, and of visitors, whose pages hold none."""

    @csrf_exempt
    @wraps(view)
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and (refusal := check_csrf(request, view)):
            return refusal
        refuse_other_sites(request, unless_named=True)
        return view(request, *args, **kwargs)

    return protected
