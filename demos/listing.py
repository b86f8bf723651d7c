"""The paper list's filter for papers with a demo that can be tried."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from papers.filters import register_filter
from papers.models import Paper

from .models import Demo


def with_demo(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    return papers.filter(Exists(Demo.objects.filter(paper=OuterRef("pk"), enabled=True)))


register_filter("demo", "Has a live demo", with_demo, mark="Demo")
