"""What allauth asks about sign-ins by a provider."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.urls import reverse

from miniconf.outgoing import guarded_session

from ..forms import fit_name
from . import identities

log = logging.getLogger(__name__)


class SignInAdapter(DefaultSocialAccountAdapter):
    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Those of the environment only; allauth would ask its tables, too."""
        return [
            SocialApp(
                provider="openid_connect" if one.issuer else one.name,
                provider_id=one.name,
                name=one.label,
                client_id=one.client_id,
                secret=one.secret,
                settings={
                    "server_url": one.issuer,
                    "oauth_pkce_enabled": True,
                    "trusts_email": one.trusts_email,
                    **({} if one.issuer else {"scope": ["user:email"]}),
                },
            )
            for one in settings.SIGN_IN_PROVIDERS
            if provider in (None, one.name) and client_id in (None, one.client_id)
        ]

    def get_requests_session(self) -> requests.Session:
        """An issuer's description may name any address; only its own host is the operator's word."""
        hosts = {urlsplit(one.issuer).hostname or "" for one in settings.SIGN_IN_PROVIDERS}
        return guarded_session(trusted_hosts=hosts)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        sociallogin.user.name = fit_name(str(data.get("name") or ""))
        return sociallogin.user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("profile") + "#identities"

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """The provider has said who it is. What happens to identities that are not known yet is decided here."""
        label = identities.label_of(sociallogin.account.provider)
        if sociallogin.state.get("process") == "connect":
            self._connect(request, sociallogin, label)
        if sociallogin.is_existing:
            return
        account = identities.account_for(sociallogin)
        if account is not None:
            sociallogin.user = account
            return
        identities.keep_pending(request, sociallogin)
        address = sociallogin.state.get("next")
        raise ImmediateHttpResponse(redirect(reverse("account_login", query={"next": address} if address else None)))

    def _connect(self, request: HttpRequest, login: SocialLogin, label: str) -> None:
        """Somebody signed in asked on their profile page, by POST and with their token, to connect an identity."""
        account = login.account
        if not request.user.is_authenticated:
            messages.error(request, f"You were signed out meanwhile; {label} was not connected.")
        elif identities.connect(request.user, account.provider, account.uid, account.extra_data, tell=True):
            messages.success(request, f"From now on you can sign in with {label}.")
        else:
            messages.error(request, f"That {label} account signs in to another account here.")
        raise ImmediateHttpResponse(redirect(self.get_connect_redirect_url(request, account)))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        if error == AuthError.CANCELLED:
            messages.info(request, f"You did not sign in with {provider.name}.")
            raise ImmediateHttpResponse(redirect("account_login"))
        if exception is not None:
            log.warning("sign-in with %s failed: %s: %s", provider.name, type(exception).__name__, str(exception)[:300])
        context = {"label": provider.name}
        raise ImmediateHttpResponse(render(request, "account/provider_failed.html", context, status=401))
