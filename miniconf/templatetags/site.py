"""Template tags of the frame around every page."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.template.context import Context
from django.urls import NoReverseMatch, reverse

from miniconf.accounts.sso import identities
from miniconf.accounts.sso.configured import SignInProvider

register = template.Library()


@register.inclusion_tag("site/nav_link.html", takes_context=True)
def nav_link(context: Context, label: str, target: str, *args: str) -> dict[str, Any]:
    """A link of the main menu to a named page (or to a path), marked when the viewer is on it or below it.

    Shows nothing where this site has no such page.
    """
    try:
        url = target if target.startswith("/") else reverse(target, args=args)
    except NoReverseMatch:
        return {"url": ""}
    request = context.get("request")
    return {"url": url, "label": label, "current": current_of(request.path if request is not None else "", url)}


def current_of(path: str, url: str) -> str:
    """aria-current of a link to `url` on the page at `path`: the page itself, or one below it."""
    below = url != "/" and path.startswith(url.rstrip("/") + "/")
    return "page" if path == url else "true" if below else ""


@register.simple_tag
def sign_in_providers() -> list[SignInProvider]:
    """Where else people may have an account that signs in here."""
    found: list[SignInProvider] = settings.SIGN_IN_PROVIDERS
    return found


@register.simple_tag(takes_context=True)
def pending_identity(context: Context) -> dict[str, str] | None:
    """What waits in this browser to be connected by a code."""
    request = context.get("request")
    found = identities.pending(request) if request is not None else None
    return {"label": identities.label_of(found["provider"]), "name": found["name"]} if found else None
