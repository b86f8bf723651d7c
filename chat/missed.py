"""For "what did I miss": messages in the rooms of papers that somebody wrote or bookmarked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.urls import reverse

from papers.missed import Activity, Period, register
from papers.queries import visible_papers

from .models import Message

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_ROOMS = 500


@register
def messages_about_papers(user: User, period: Period) -> Iterator[Activity]:
    """How many messages others wrote in each of the rooms; one's own papers first. Three queries."""
    own = set(
        visible_papers()
        .filter(Q(authors__user=user) | Q(representatives=user))
        .values_list("pk", flat=True)
        .distinct()[:MOST_ROOMS]
    )
    papers = visible_papers().filter(Q(pk__in=own) | Q(bookmarks__user=user)).distinct()
    rooms = {
        f"paper:{uid}": (pk, uid, title) for pk, uid, title in papers.values_list("pk", "uid", "title")[:MOST_ROOMS]
    }
    counts = (
        Message.objects.filter(room__key__in=rooms, created_at__gt=period.start, created_at__lte=period.end)
        .exclude(author=user)
        .order_by()
        .values_list("room__key")
        .annotate(count=Count("pk"))
    )
    for key, count in counts:
        pk, uid, title = rooms[key]
        text = f"{count} new message{'' if count == 1 else 's'}" + (" about your paper" if pk in own else "")
        yield Activity(
            title, f"{reverse('paper', args=[uid])}#discussion", text, count + (1_000_000 if pk in own else 0)
        )
