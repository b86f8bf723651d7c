"""What organizers settle when a conference is over."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models


class Closing(models.Model):
    """There is one row at most; `Closing.current()` is it."""

    rooms_closed_at = models.DateTimeField(null=True, blank=True)
    # Days after the conference; null: kept for ever.
    texts_days = models.PositiveSmallIntegerField(null=True, blank=True)
    runs_days = models.PositiveSmallIntegerField(null=True, blank=True)
    tokens_days = models.PositiveSmallIntegerField(null=True, blank=True)
    members_days = models.PositiveSmallIntegerField(null=True, blank=True)
    retention_changed_at = models.DateTimeField(null=True, blank=True, help_text="Nothing is deleted for a day then")

    class Meta:
        verbose_name_plural = "closing"

    def __str__(self) -> str:
        return "End of the conference"

    @classmethod
    def current(cls) -> Closing:
        return cls.objects.order_by("pk").first() or cls(pk=1)


class Archive(models.Model):
    """The frozen site as a zip, made by a worker: one at a time."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"

    UNFINISHED: ClassVar = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    videos = models.BooleanField(default=True)
    done = models.PositiveIntegerField(default=0, help_text="Pages")
    total = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes")
    error = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    alive_at = models.DateTimeField(null=True, blank=True, help_text="When its worker was last heard of")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            # One row at most has the value "unfinished": a second one is refused by the database.
            models.UniqueConstraint(
                models.Case(models.When(state__in=["waiting", "running"], then=models.Value(1))),
                name="one_archive_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"Archive {self.created_at:%Y-%m-%d %H:%M}"


class Thanks(models.Model):
    """The mail that thanks somebody: one for each person, whatever is asked for again."""

    class State(models.TextChoices):
        WAITING = "waiting", "not sent yet"
        SENT = "sent"
        FAILED = "failed", "refused by the mail server"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="thanks")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING, db_index=True)
    due = models.BooleanField(default=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "thanks"

    def __str__(self) -> str:
        return f"Thanks {self.pk}"
