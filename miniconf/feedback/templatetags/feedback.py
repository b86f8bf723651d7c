"""`{% load feedback %}{% session_feedback session %}`: the questions about a session, on its page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from miniconf.feedback import answering, results
from miniconf.feedback.answering import CONFERENCE, NotAsked, Target
from miniconf.feedback.forms import AnswerForm
from miniconf.feedback.models import FeedbackForm
from miniconf.permissions import can_give_feedback, can_see_feedback
from papers.models import Session

register = template.Library()


@register.inclusion_tag("feedback/panel.html", takes_context=True)
def session_feedback(context: Context, session: Session) -> dict[str, Any]:
    """The form for members, a way in for visitors, a link to results for chairs; nothing where nothing is asked."""
    user, target = context["user"], Target(session)
    try:
        form, questions = answering.open_form(target)
    except NotAsked:
        return {"form": None}
    found: dict[str, Any] = {
        "target": target,
        "form": form,
        "request": context["request"],
        "may_see": can_see_feedback(user, session),
    }
    if can_give_feedback(user):
        mine = answering.response_of(target, user)
        found |= {
            "answers": AnswerForm(questions=questions, given=answering.given(mine)),
            "mine": mine,
            "fewest": results.FEWEST_SHOWN,
            "csrf_token": context.get("csrf_token"),
        }
    return found


@register.simple_tag(takes_context=True)
def conference_feedback_url(context: Context) -> str:
    """Where a member says what they think of the conference, while it is asked; else nothing."""
    user = context.get("user")
    if user is None or not can_give_feedback(user):
        return ""
    if not FeedbackForm.objects.filter(key=CONFERENCE, is_on=True).exists():
        return ""
    return Target().url if Target().has_begun() else ""
