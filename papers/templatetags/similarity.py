"""`{% similar_papers paper %}`: what to read next, on a paper's page."""

from __future__ import annotations

from typing import Any

from django import template

from papers.models import Paper
from papers.similarity import recommend

register = template.Library()


@register.inclusion_tag("papers/similar.html")
def similar_papers(paper: Paper) -> dict[str, Any]:
    papers, method = recommend.similar_papers(paper)
    return {"similar": papers, "method": method}
