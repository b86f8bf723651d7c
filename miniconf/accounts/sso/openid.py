"""OpenID Connect, checked here in full: signature, issuer, audience, time and nonce of the id_token.

allauth leaves the signature unchecked where the token came over TLS and sends no nonce. Both are cheap, and they hold
even where a proxy ends the TLS or somebody's answer is played back.
"""

from __future__ import annotations

import secrets
from typing import Any

import jwt
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

# Asymmetric ones only: with HMAC whoever knows the client's secret could sign, and "none" is no signature.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 30  # seconds by which clocks may differ
GOOGLE = "https://accounts.google.com"


class OpenIDAdapter(OpenIDConnectOAuth2Adapter):
    state: dict[str, Any]  # what was stashed when this sign-in began; set by the callback

    @property
    def openid_config(self) -> dict[str, Any]:
        """The issuer's own description. It must name itself, or one issuer could speak for another."""
        config: dict[str, Any] = super().openid_config
        issuer = self.get_provider().app.settings["server_url"]
        if not isinstance(config, dict) or str(config.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise OAuth2Error(f"{issuer} describes another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(config.get(name), str):
                raise OAuth2Error(f"{issuer} does not say its {name}")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return callback_address(self.provider_id)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        claims = self._claims(str(kwargs["response"].get("id_token") or ""), app)
        if not claims.get("email") and "userinfo_endpoint" in self.openid_config:
            more = self._fetch_user_info(token.token)
            if isinstance(more, dict) and more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        return self.get_provider().sociallogin_from_response(request, claims)

    def _claims(self, id_token: str, app: Any) -> dict[str, Any]:
        """Of a valid id_token; OAuth2Error where anything about it is not."""
        config = self.openid_config
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                self._key(id_token, config["jwks_uri"]),
                algorithms=ALGORITHMS,
                audience=app.client_id,
                issuer=config["issuer"],
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise OAuth2Error(f"the id_token is not valid: {error}") from error
        nonce = self.state.get("nonce") or ""
        if not nonce or not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise OAuth2Error("the id_token belongs to another sign-in (nonce)")
        audiences = claims["aud"]
        if isinstance(audiences, list) and len(audiences) > 1 and claims.get("azp") != app.client_id:
            raise OAuth2Error("the id_token was made for somebody else (azp)")
        if not claims["sub"] or len(claims["sub"]) > 191:
            raise OAuth2Error("the id_token has no usable subject")
        return claims

    def _key(self, id_token: str, keys_url: str) -> Any:
        with get_adapter().get_requests_session() as session:
            answer = session.get(keys_url)
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        wanted = jwt.get_unverified_header(id_token).get("kid")
        fit = [key for key in keys if key.key_id == wanted] if wanted else keys
        if len(fit) != 1:
            raise OAuth2Error("the id_token is signed with a key that its issuer does not have")
        return fit[0].key


class OpenIDProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OpenIDAdapter

    def redirect(
        self, request: HttpRequest, process: str, next_url: Any = None, data: Any = None, **kwargs: Any
    ) -> Any:
        nonce = secrets.token_urlsafe(24)
        kwargs["auth_params"] = {**(kwargs.get("auth_params") or self.get_auth_params()), "nonce": nonce}
        return super().redirect(request, process, next_url, data, nonce=nonce, **kwargs)

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["sub"])

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Of all that issuers tell only the name is kept."""
        return {"name": str(data.get("name") or "")[:120]}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        name = data.get("name") or " ".join(filter(None, [data.get("given_name"), data.get("family_name")]))
        return {"email": data.get("email"), "name": name}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        email = data.get("email")
        if not isinstance(email, str) or not email:
            return []
        said = data.get("email_verified")
        verified = said is True or said == "true"  # some issuers write it as text
        if self.app.settings["server_url"] == GOOGLE:
            # Google answers for its own addresses and those of its Workspace customers; others it saw once, years ago.
            verified = verified and bool(data.get("hd") or email.lower().endswith("@gmail.com"))
        return [EmailAddress(email=email, verified=verified and self.app.settings["trusts_email"], primary=True)]


def callback_address(provider: str) -> str:
    """Where a provider sends people back to; the operator registers it there. Never taken from the request's host."""
    return str(settings.SITE_URL + reverse("sso_callback", args=[provider]))
