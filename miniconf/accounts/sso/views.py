"""Out to a provider and back, and what one has connected."""

from __future__ import annotations

import logging
from typing import Any, cast

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from miniconf.limits import allow
from miniconf.problems import Problem

from ..models import User
from ..views import next_address
from . import identities

log = logging.getLogger(__name__)

RATE = "60/minute"  # for each address; a whole institute may come from one


def _provider(request: HttpRequest, name: str) -> Any:
    if name not in identities.providers():
        raise Http404("Nobody signs in here with that.")
    return get_adapter(request).get_provider(request, provider=name)


@never_cache
@require_POST
def begin(request: HttpRequest, provider: str) -> HttpResponse:
    """Go to the provider: to sign in, or for whoever is signed in to connect an identity there.

    It takes a POST with the token: a link would let other sites connect what is signed in at the provider. The page in
    between is there for the content policy, under which a form may lead to this site only.
    """
    chosen = _provider(request, provider)
    wait = allow(RATE, "sign-in-with", request.META.get("REMOTE_ADDR", ""))
    if wait is not None:
        raise Problem(
            429, "Too many sign-ins", "Too many sign-ins from your network; try again soon.", retry_after=wait
        )
    identities.forget_pending(request)
    process = "connect" if request.user.is_authenticated else "login"
    try:
        away = chosen.redirect(request, process, next_url=next_address(request) or None)
    except (OAuth2Error, RequestException, ValueError) as error:
        failed: HttpResponse = render_authentication_error(request, chosen, exception=error)
        return failed
    if "Location" not in away:
        return cast(HttpResponse, away)
    address = away["Location"]
    response = render(request, "account/provider_leave.html", {"label": chosen.name, "address": address})
    response["Refresh"] = f"0; url={address}"
    return response


class Callback(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, Any]:
        """What was stashed is needed to check the answer, too."""
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response


@never_cache
@require_GET
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    chosen = _provider(request, provider)
    try:
        response: HttpResponse = Callback.adapter_view(chosen.get_oauth2_adapter(request))(request)
    except (KeyError, TypeError, ValueError) as error:  # an answer that is no answer
        response = render_authentication_error(request, chosen, exception=error)
    return response


@require_POST
def forget_pending(request: HttpRequest) -> HttpResponse:
    identities.forget_pending(request)
    return redirect("account_login")


@login_required
@require_POST
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    label = identities.disconnect(cast(User, request.user), pk)
    if label is None:
        raise Http404("You have no such identity.")
    messages.success(request, f"{label} no longer signs in to your account.")
    return redirect("profile")
