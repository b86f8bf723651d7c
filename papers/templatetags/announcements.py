"""`{% announcement_bar %}`: what is pinned, above the content of every page, and the script that keeps it live."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from miniconf.permissions import can_read_site
from papers.announcements import pinned_items

register = template.Library()


@register.inclusion_tag("papers/announcement_strip.html", takes_context=True)
def announcement_bar(context: Context) -> dict[str, Any]:
    """Nothing for those who may not read this site, such as visitors of a members-only one at its door."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not can_read_site(user, getattr(request, "conference", None)):
        return {"shown": False}
    return {"shown": True, "items": pinned_items()}
