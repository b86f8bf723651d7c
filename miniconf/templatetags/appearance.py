"""Template tags for what organizers chose: the menu, the colours, the logo, and what a new site still lacks."""

from __future__ import annotations

from typing import Any, cast

from django import template
from django.template.context import Context
from django.urls import reverse

from miniconf.console.models import Appearance
from miniconf.console.site import look, menu, wizard
from miniconf.permissions import can_change_settings, can_read_site
from miniconf.serving.remembered import remembered
from miniconf.templatetags.site import current_of

register = template.Library()


def _found(context: Context) -> tuple[Appearance, list[menu.Entry]]:
    """What organizers chose, looked up once for each page even where nothing is remembered."""
    request = context.get("request")
    found = getattr(request, "appearance", None)
    if found is None:
        found = remembered("appearance", _look_up)
        if request is not None:
            request.appearance = found
    return cast(tuple[Appearance, list[menu.Entry]], found)


def _look_up() -> tuple[Appearance, list[menu.Entry]]:
    chosen = Appearance.current()
    return chosen, menu.entries(chosen)


@register.simple_tag(takes_context=True)
def stylesheet_address(context: Context) -> str:
    """Blank where the site has its own colours."""
    mark = look.mark(_found(context)[0])
    return reverse("theme_stylesheet", args=[mark]) if mark else ""


@register.inclusion_tag("site/name.html", takes_context=True)
def site_name(context: Context) -> dict[str, Any]:
    chosen = _found(context)[0]
    return {
        "name": context["conference"].name or "miniconf",
        "logo": reverse("theme_logo", args=[chosen.logo_mark]) if chosen.logo_mark else "",
        "alone": chosen.logo_alone,
    }


@register.inclusion_tag("site/menu_lines.html", takes_context=True)
def menu_lines(context: Context, place: str) -> dict[str, Any]:
    """The menu ("top") or the footer. Names of free pages and links are for those who may read the site."""
    request = context.get("request")
    frozen = getattr(request, "frozen", None) is not None
    reads = request is None or can_read_site(request.user, context["conference"])
    path = request.path if request is not None else ""
    return {
        "lines": [
            {"url": entry.url, "label": entry.name, "current": current_of(path, entry.url)}
            for entry in _found(context)[1]
            if entry.place == place and (entry.archived or not frozen) and (reads or entry.kind == "built in")
        ],
    }


@register.inclusion_tag("console/site/setup_notice.html", takes_context=True)
def setup_notice(context: Context) -> dict[str, Any]:
    """To organizers of a site that is not set up yet: where to go on."""
    user = context.get("user")
    if user is None or not can_change_settings(user):
        return {"steps": None}
    return {"steps": wizard.steps() if wizard.is_unfinished() else None}
