"""`{% announcement_bar %}`: what is pinned, above the content of every page, and the script that keeps it live;
`{% announcements_of session %}`: what its people were told, on its page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from miniconf.permissions import can_read_site
from miniconf.serving.page_notes import mark_page, notes_of
from papers.announcements import current, own_mark, pinned_items, seconds_to_next_change
from papers.models import Session

register = template.Library()
MOST_ON_A_PAGE = 5


@register.inclusion_tag("papers/announcement_strip.html", takes_context=True)
def announcement_bar(context: Context) -> dict[str, Any]:
    """Nothing for those who may not read this site, such as visitors of a members-only one at its door."""
    request: Any = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not can_read_site(user, getattr(request, "conference", None)):
        return {"shown": False}
    shared = notes_of(request) is not None
    if shared:  # it is kept for others: then it is to be right, and only until the next planned change
        mark_page(request, seconds=seconds_to_next_change())
    own = own_mark() if user.is_authenticated else None
    return {"shown": True, "items": pinned_items(fresh=shared, viewer=user), "member": own is not None, "own": own}


@register.inclusion_tag("papers/announcement_place.html")
def announcements_of(session: Session) -> dict[str, Any]:
    """What was announced to a session's people, for whoever may read its page."""
    return {"announcements": current().filter(session=session)[:MOST_ON_A_PAGE]}
