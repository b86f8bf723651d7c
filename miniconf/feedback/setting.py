"""Organizers switch forms on and off and set their questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from miniconf.accounts.models import User
from miniconf.people.record import record
from miniconf.serving.page_changes import forget_pages

from .answering import CONFERENCE, SESSIONS
from .models import FeedbackForm, Question

RATING, CHOICE, TEXT = Question.Kind.RATING, Question.Kind.CHOICE, Question.Kind.TEXT
SUGGESTED: dict[str, list[dict[str, Any]]] = {
    SESSIONS: [
        {"text": "How useful was this session to you?", "kind": RATING},
        {"text": "The time for questions was", "kind": CHOICE, "options": ["too short", "just right", "too long"]},
        {"text": "What should the chairs know?", "kind": TEXT},
    ],
    CONFERENCE: [
        {"text": "How do you like the conference as a whole?", "kind": RATING},
        {"text": "How well does this site work for you?", "kind": RATING},
        {"text": "What should be different next time?", "kind": TEXT},
    ],
}


class FixedNow(Exception):
    """Something that cannot be changed once there are answers; a sentence."""


def name_of(key: str) -> str:
    return {CONFERENCE: "the conference", SESSIONS: "all sessions"}.get(key, f"session {key.partition(':')[2]}")


def initial_questions(form: FeedbackForm | None, key: str) -> list[dict[str, Any]]:
    """What the page shows of each question; suggestions where there is no form yet."""
    if form is None:
        suggested = SUGGESTED[CONFERENCE if key == CONFERENCE else SESSIONS]
        return [{**one, "options": "\n".join(one.get("options", []))} for one in suggested]
    return [
        {
            "pk": one.pk, "text": one.text, "kind": one.kind, "options": "\n".join(one.options),
            "required": one.required,
        }
        for one in form.questions.filter(retired=False)
    ]  # fmt: skip


@transaction.atomic
def save(*, key: str, switch: dict[str, Any], questions: Sequence[dict[str, Any]], by: User) -> FeedbackForm:
    """Keep a form with its questions in this order. What was answered is never deleted: it is only not asked any more.

    Raises FixedNow.
    """
    FeedbackForm.objects.get_or_create(key=key)
    form = FeedbackForm.objects.select_for_update().get(key=key)
    if form.anonymous != switch["anonymous"] and form.responses.exists():
        promised = "without a name" if form.anonymous else "with their name"
        raise FixedNow(f"People have answered {promised}: that stays so for this form.")
    form.is_on, form.anonymous, form.intro = switch["is_on"], switch["anonymous"], switch["intro"]
    form.save()
    known = {question.pk: question for question in form.questions.all()}
    for position, wanted in enumerate(questions):
        row = known.get(wanted.get("pk") or 0)
        if row is None:
            if wanted["text"] and not wanted["remove"]:
                form.questions.create(
                    position=position, kind=wanted["kind"], text=wanted["text"], options=_options(wanted),
                    required=wanted["required"],
                )  # fmt: skip
            continue
        answered = row.answers.exists()
        if wanted["remove"] or not wanted["text"]:
            if answered:
                Question.objects.filter(pk=row.pk).update(retired=True)
            else:
                row.delete()
            continue
        if answered and wanted["kind"] != row.kind:
            raise FixedNow(f"“{row.text}” was answered: its kind stays. Ask it no more and add another question.")
        row.position, row.kind, row.text = position, wanted["kind"], wanted["text"]
        row.options, row.required = _options(wanted), wanted["required"]
        row.save()
    record(by, "set the questions of feedback", f"{name_of(key)}, {'on' if form.is_on else 'off'}")
    transaction.on_commit(forget_pages)
    return form


def _options(wanted: dict[str, Any]) -> list[str]:
    return wanted["options"] if wanted["kind"] == CHOICE else []


@transaction.atomic
def like_the_others(*, key: str, by: User) -> None:
    """A session has the questions of all sessions again. Raises FixedNow where its own were answered."""
    form = FeedbackForm.objects.select_for_update().filter(key=key).first()
    if form is None:
        return
    if form.responses.exists():
        raise FixedNow("These questions were answered already: switch them off instead.")
    form.delete()
    record(by, "set the questions of feedback", f"{name_of(key)}, like all sessions")
    transaction.on_commit(forget_pages)
