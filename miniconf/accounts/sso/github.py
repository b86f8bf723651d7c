"""GitHub, which speaks OAuth 2 and has its own API for addresses."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.github.provider import GitHubProvider as AllauthGitHub
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from django.http import HttpRequest

from .openid import callback_address


class GitHubAdapter(GitHubOAuth2Adapter):
    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return callback_address(self.provider_id)


class GitHubProvider(AllauthGitHub):
    oauth2_adapter_class = GitHubAdapter

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"name": str(data.get("login") or "")[:120]}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Without the address of the public profile, which says nothing about whose it is."""
        return {"name": data.get("name")}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        trusts = self.app.settings["trusts_email"]
        return [
            EmailAddress(email=row["email"], primary=True, verified=row.get("verified") is True and trusts)
            for row in data.get("emails") or []
            if row.get("primary") is True
        ]
