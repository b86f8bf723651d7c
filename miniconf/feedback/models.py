"""Forms, their questions, and what people answered."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models


class FeedbackForm(models.Model):
    """The questions about the conference, about each session, or about one session instead of those."""

    key = models.CharField(max_length=170, unique=True, help_text='"conference", "sessions" or "session:<uid>"')
    is_on = models.BooleanField(default=False)
    anonymous = models.BooleanField(default=True, help_text="Answers are kept without a name; fixed by the first one")
    intro = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["key"]

    def __str__(self) -> str:
        return self.key


class Question(models.Model):
    class Kind(models.TextChoices):
        RATING = "rating", "Rating from 1 to 5"
        CHOICE = "choice", "One of several"
        TEXT = "text", "Free text"

    form = models.ForeignKey(FeedbackForm, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.CharField(max_length=300)
    options = models.JSONField(default=list, blank=True, help_text="Of a choice: what there is to choose from")
    required = models.BooleanField(default=False)
    retired = models.BooleanField(default=False, help_text="Not asked any more; what was answered stays")

    class Meta:
        ordering: ClassVar = ["position", "pk"]

    def __str__(self) -> str:
        return self.text


class FeedbackResponse(models.Model):
    """What one person said about one thing. Without a name there is no account, no time, and an id without an order.

    `mark` is made of the account and the server's secret (`feedback/answering.py`): it lets the same person find and
    change their answers, and nobody else who they are.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    form = models.ForeignKey(FeedbackForm, on_delete=models.CASCADE, related_name="responses")
    target = models.CharField(max_length=170, help_text='"conference" or "session:<uid>"')
    mark = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="feedback"
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["target", "mark"], name="feedback_once_each")]

    def __str__(self) -> str:
        return f"Feedback on {self.target}"


class Answer(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    response = models.ForeignKey(FeedbackResponse, on_delete=models.CASCADE, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    number = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of a rating")
    text = models.TextField(blank=True, help_text="What was chosen or written")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["response", "question"], name="answer_once")]

    def __str__(self) -> str:
        return f"Answer to {self.question_id}"
