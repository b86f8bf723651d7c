"""Somebody's answers as a part of their data. Those without a name are found by the mark that only this server can make."""

from __future__ import annotations

import secrets
from typing import Any

from django.db.models import Q, QuerySet

from miniconf.accounts.models import User
from miniconf.personal_data import Part, register

from .answering import mark_of
from .models import FeedbackResponse


def _of(user: User) -> QuerySet[FeedbackResponse]:
    targets = FeedbackResponse.objects.order_by().values_list("target", flat=True).distinct()
    marks = [mark_of(target, user) for target in targets]
    return FeedbackResponse.objects.filter(Q(user=user) | Q(mark__in=marks))


def data(user: User) -> dict[str, Any]:
    return {
        "answers": [
            {
                "about": response.target,
                "with_name": response.user_id is not None,
                "answers": {
                    answer.question.text: answer.text or answer.number
                    for answer in response.answers.select_related("question")
                },
            }
            for response in _of(user).order_by("target")
        ]
    }


def forget(user: User) -> dict[str, int]:
    """Answers stay without a name, and nothing leads from the account to them any more."""
    mine = list(_of(user))
    for response in mine:
        response.user, response.mark = None, secrets.token_hex(32)
    FeedbackResponse.objects.bulk_update(mine, ["user", "mark"], batch_size=200)
    return {"feedback, now without a name": len(mine)}


register(Part("feedback", data, forget))
