"""Which providers the operator has set up, read from the environment. Imported by the settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from miniconf.environment import Environment

# Name -> how it is called on the button, and its issuer; GitHub speaks OAuth 2 only.
WELL_KNOWN = {
    "orcid": ("ORCID", "https://orcid.org"),
    "google": ("Google", "https://accounts.google.com"),
    "github": ("GitHub", ""),
}
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class SignInProvider:
    name: str  # part of addresses, and of the rows of who signed in with it
    label: str
    client_id: str
    secret: str = field(repr=False)
    issuer: str = ""  # blank: GitHub
    trusts_email: bool = True  # an address that it calls verified needs no code from us


def providers_from(env: Environment) -> list[SignInProvider]:
    """The well-known ones with NAME_CLIENT_ID and NAME_CLIENT_SECRET; others from OIDC_ISSUERS (name=https://issuer,…) with
    OIDC_NAME_CLIENT_ID, OIDC_NAME_CLIENT_SECRET and OIDC_NAME_LABEL. Raises ImproperlyConfigured with a sentence."""
    found = []
    for name, (label, issuer) in WELL_KNOWN.items():
        if provider := _provider(env, name, prefix=name.upper(), label=label, issuer=issuer):
            found.append(provider)
    for name, issuer in env.dict("OIDC_ISSUERS", default={}).items():
        if not NAME.fullmatch(name) or name in WELL_KNOWN:
            raise ImproperlyConfigured(
                f"OIDC_ISSUERS: {name!r} is no name; small letters, digits and dashes, and not {', '.join(WELL_KNOWN)}"
            )
        prefix = f"OIDC_{name.upper().replace('-', '_')}"
        label = env.str(f"{prefix}_LABEL", default=name.replace("-", " ").title())
        provider = _provider(env, name, prefix=prefix, label=label, issuer=_clean_issuer(name, issuer))
        if provider is None:
            raise ImproperlyConfigured(f"OIDC_ISSUERS names {name!r}, but {prefix}_CLIENT_ID is not set")
        found.append(provider)
    return found


def _provider(env: Environment, name: str, *, prefix: str, label: str, issuer: str) -> SignInProvider | None:
    client_id = env.str(f"{prefix}_CLIENT_ID", default="")
    secret = env.str(f"{prefix}_CLIENT_SECRET", default="")
    if not client_id and not secret:
        return None
    if not client_id or not secret:
        raise ImproperlyConfigured(f"{prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET must be set together")
    trusts_email = env.bool(f"{prefix}_TRUST_EMAIL", default=True)
    return SignInProvider(name, label, client_id, secret, issuer, trusts_email)


def _clean_issuer(name: str, issuer: str) -> str:
    """TLS is what proves that the issuer's keys are its own; without it only on this machine."""
    parts = urlsplit(issuer)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or local) or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"OIDC_ISSUERS: {name} is {issuer!r}, not an address that begins with https://")
    return issuer
