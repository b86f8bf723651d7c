"""The paper list's filter for papers with questions that nobody has answered yet."""

from __future__ import annotations

from django.db.models import QuerySet

from papers.filters import register_filter
from papers.models import Paper

from .models import Message


def with_open_questions(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    """Rooms are known by key, so the few that have open questions are asked for first."""
    rooms = Message.objects.filter(
        asked=Message.Asked.OPEN, deleted_at=None, hidden_at=None, room__key__startswith="paper:"
    )
    keys = rooms.order_by().values_list("room__key", flat=True).distinct()[:5000]
    return papers.filter(uid__in=[key.removeprefix("paper:") for key in keys])


register_filter("unanswered", "Has unanswered questions", with_open_questions)
