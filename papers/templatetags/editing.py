"""Links to the forms in which a row of the programme is edited, for those who may."""

from __future__ import annotations

from typing import Any

from django import template

from papers.editing import fields_for
from papers.values import KINDS, kind_of

register = template.Library()


@register.inclusion_tag("papers/edit_links.html", takes_context=True)
def edit_links(context: template.Context, row: Any) -> dict[str, Any]:
    """ "Edit" and "History" of a row, or nothing."""
    user, kind = context["user"], kind_of(row)
    if not user.is_authenticated or not fields_for(user, kind.name, row):
        return {"kind": ""}
    return {"kind": kind.name, "key": str(getattr(row, KINDS[kind.name].key))}
