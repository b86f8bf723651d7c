"""Which questions are asked about what, when, and how somebody's answers are kept and found again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from papers.models import Conference, Session
from papers.zones import named_zone

from .models import Answer, FeedbackForm, FeedbackResponse, Question

if TYPE_CHECKING:
    from miniconf.accounts.models import User

CONFERENCE, SESSIONS = "conference", "sessions"
LONGEST_ANSWER = 4000


class NotAsked(Exception):
    """Nothing is asked about it, or not yet; a sentence."""


@dataclass(frozen=True)
class Target:
    """What answers are about: a session, or the conference where there is none."""

    session: Session | None = None

    @property
    def key(self) -> str:
        return f"session:{self.session.uid}" if self.session else CONFERENCE

    @property
    def url(self) -> str:
        return reverse("session_feedback", args=[self.session.uid]) if self.session else reverse("feedback")

    @property
    def results_url(self) -> str:
        return f"{self.url}results/"

    def begins(self) -> datetime | None:
        """From when on answers are taken; None: always."""
        if self.session:
            return self.session.starts_at
        conference = Conference.current()
        if conference.starts_on is None:
            return None
        return datetime.combine(conference.starts_on, time(), named_zone(conference.timezone) or named_zone("UTC"))

    def has_begun(self) -> bool:
        begins = self.begins()
        return begins is None or begins <= now()


def form_of(target: Target) -> FeedbackForm | None:
    """The questions for it: its own where a session has some, else those for all sessions. None where none were set.

    Breaks are asked nothing.
    """
    if target.session is None:
        return FeedbackForm.objects.filter(key=CONFERENCE).first()
    if target.session.kind == Session.Kind.BREAK or target.session.withdrawn_at:
        return None
    found = {form.key: form for form in FeedbackForm.objects.filter(key__in=[target.key, SESSIONS])}
    return found.get(target.key) or found.get(SESSIONS)


def asked(form: FeedbackForm) -> list[Question]:
    return [question for question in form.questions.all() if not question.retired]


def open_form(target: Target) -> tuple[FeedbackForm, list[Question]]:
    """The form and its questions. Raises NotAsked where feedback is off, and where it has not begun."""
    form = form_of(target)
    questions = asked(form) if form and form.is_on else []
    if form is None or not questions:
        raise NotAsked("No feedback is asked for here.")
    if not target.has_begun():
        what = "session" if target.session else "conference"
        raise NotAsked(f"Feedback opens when the {what} has begun.")
    return form, questions


# --- Answers -----------------------------------------------------------------------------------------------------------


def mark_of(target: str, user: User) -> str:
    """What stands for `user` beside answers about `target`: without the server's secret nobody can tell whose it is."""
    return salted_hmac("miniconf.feedback", f"{target}\n{user.public_id}", algorithm="sha256").hexdigest()


def response_of(target: Target, user: User) -> FeedbackResponse | None:
    return FeedbackResponse.objects.filter(target=target.key, mark=mark_of(target.key, user)).first()


def given(response: FeedbackResponse | None) -> dict[int, Any]:
    """What somebody answered, by question."""
    if response is None:
        return {}
    rows = response.answers.values_list("question_id", "number", "text")
    return {question: text if number is None else number for question, number, text in rows}


@transaction.atomic
def keep(*, target: Target, user: User, answers: dict[int, Any]) -> None:
    """Keep `user`'s answers in place of earlier ones: question's id -> 1 to 5, or a text; "" and None are no answer.

    Raises NotAsked. The same form sent twice at once is kept once.
    """
    # No form changes from named to anonymous while answers come in.
    form, questions = open_form(target)
    form = FeedbackForm.objects.select_for_update().get(pk=form.pk)
    owner = None if form.anonymous else user
    response, made = FeedbackResponse.objects.select_for_update().get_or_create(
        target=target.key, mark=mark_of(target.key, user), defaults={"form": form, "user": owner}
    )
    if not made and (response.form_id, response.user_id) != (form.pk, owner and owner.pk):
        response.form, response.user = form, owner
        response.save(update_fields=["form", "user"])
    response.answers.filter(question__in=questions).delete()
    Answer.objects.bulk_create(
        Answer(
            response=response,
            question=question,
            number=answers[question.pk] if question.kind == Question.Kind.RATING else None,
            text="" if question.kind == Question.Kind.RATING else answers[question.pk],
        )
        for question in questions
        if answers.get(question.pk) not in (None, "")
    )


@transaction.atomic
def take_back(*, target: Target, user: User) -> bool:
    """Delete `user`'s answers; False where there were none."""
    mine = FeedbackResponse.objects.filter(target=target.key, mark=mark_of(target.key, user))
    return bool(mine.delete()[0])
