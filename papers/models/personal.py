"""What belongs to one person: bookmarks, visits, places at tables, reminders that were sent."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from .programme import Event, Paper, Session


class Bookmark(models.Model):
    """A paper, session or event somebody wants to come back to; sessions and events make up "my schedule"."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bookmarks")
    paper = models.ForeignKey(Paper, null=True, blank=True, on_delete=models.CASCADE, related_name="bookmarks")
    session = models.ForeignKey(Session, null=True, blank=True, on_delete=models.CASCADE, related_name="bookmarks")
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.CASCADE, related_name="bookmarks")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "paper"], name="bookmark_paper_once"),
            models.UniqueConstraint(fields=["user", "session"], name="bookmark_session_once"),
            models.UniqueConstraint(fields=["user", "event"], name="bookmark_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.paper or self.session or self.event}"


class Visit(models.Model):
    """Somebody has opened a paper's page. Visitors without an account keep theirs in the browser."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="visits")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="visits")
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "paper"], name="visit_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.paper}"


class Seat(models.Model):
    """A place at a table (an event with `capacity`), or a place in its waiting list; in the order of `created_at`."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="seats")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="seats")
    note = models.CharField(
        max_length=300, blank=True, help_text="What they would like to talk about; the host sees it"
    )
    waiting = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["event", "user"], name="one_seat_each")]

    def __str__(self) -> str:
        return f"{self.user} at {self.event}"


class SentReminder(models.Model):
    """An e-mail that reminded somebody of a session; one for each start, so that a moved session is told anew."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    session = models.ForeignKey(Session, on_delete=models.CASCADE)
    starts_at = models.DateTimeField()
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "session", "starts_at"], name="one_reminder_per_start")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.session}"
