"""How often the demos of papers were run, for the pages of their authors."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count

from papers.figures import register_figure

from .models import Run


def runs_of(papers: Collection[int]) -> dict[int, int]:
    rows = Run.objects.filter(demo__paper__in=papers).order_by().values_list("demo__paper_id")
    return dict(rows.annotate(Count("pk")))


register_figure("demo runs", runs_of)
