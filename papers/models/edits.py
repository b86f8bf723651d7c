"""Changes people make on the site, and the files they upload."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models


class Edit(models.Model):
    """One change of one row of the programme: applied, waiting for an organizer, or refused. Together, its history."""

    class State(models.TextChoices):
        APPLIED = "applied"
        WAITING = "waiting"
        REFUSED = "refused"
        TAKEN_BACK = "taken back"

    kind = models.CharField(max_length=20, help_text='"paper", "session", ... (papers/values.py)')
    key = models.CharField(max_length=200)
    title = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.APPLIED, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="edits")
    note = models.CharField(max_length=300, blank=True, help_text="Why, in the editor's or the organizer's words")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="decided_edits"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["kind", "key"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}, {self.state}"


class Upload(models.Model):
    """A file that arrives piece by piece (tus 1.0) for one use, then is checked by content and moved below MEDIA_ROOT."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=40, help_text='What it becomes: "video", "poster", "import", ...')
    target = models.CharField(max_length=200, blank=True, help_text="uid of the paper it belongs to")
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    finished_as = models.CharField(max_length=300, blank=True, help_text="Path below MEDIA_ROOT, once it is complete")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.name}, {self.offset} of {self.size} bytes"
