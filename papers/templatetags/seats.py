"""Template tags about places at tables."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from papers.models import Event
from papers.seats import Table

register = template.Library()


@register.simple_tag
def table_words(event: Event, tables: Mapping[int, Table] | None = None) -> str:
    """How a table stands, in a few words: how many places there are, or, where it is known, how many are left."""
    capacity = event.capacity or 0
    places = f"{capacity} place{'' if capacity == 1 else 's'}"
    table = (tables or {}).get(event.pk)
    if table is None or table.over:
        return places
    if table.closed:
        return f"{places}, sign-up closed"
    if table.free:
        return f"{table.free} of {places} free"
    return f"{places}, all taken" + (f"; {table.waiting} waiting" if table.waiting else "")
