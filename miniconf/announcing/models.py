"""Who gets an announcement by mail, and what became of each mail. The announcement itself is papers.models.Announcement."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from papers.models import Announcement


class AnnouncementMail(models.Model):
    """One announcement to one person; the row keeps a second mail from going out."""

    class State(models.TextChoices):
        WAITING = "waiting", "not sent yet"
        SENDING = "sending", "being sent"
        SENT = "sent"
        FAILED = "failed", "refused by the mail server"
        UNSURE = "unsure", "sent or not: it was cut off"
        LEFT_OUT = "left out", "not wanted any more"

    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="mails")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due = models.BooleanField(default=True, help_text="It is to go out")
    attempts = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["announcement", "user"], name="announced_once_by_mail")
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(due=True), name="announcement_mails_due"),
            models.Index(fields=["announcement", "state"], name="announcement_mails_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.announcement} ({self.state})"
