"""Template tags of the frame around every page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.urls import NoReverseMatch, reverse

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
    path = request.path if request is not None else ""
    current = "page" if path == url else "true" if path.startswith(url.rstrip("/") + "/") else ""
    return {"url": url, "label": label, "current": current}
