"""Imports that were read, previewed, applied or undone, and what each did to which row."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse


class Import(models.Model):
    """One import of one source. The uploaded files lie in DATA_DIR/imports/<id>/ until it is applied or given up."""

    class State(models.TextChoices):
        WAITING = "waiting"  # for the worker that reads it
        READING = "reading"
        READY = "ready"  # read without problems; its changes can be looked at and applied
        APPLYING = "applying"
        APPLIED = "applied"
        REFUSED = "refused"  # has problems; nothing was changed
        UNDOING = "undoing"  # being taken back; until that is done everything stays
        UNDONE = "undone"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(max_length=60, blank=True)
    format = models.CharField(max_length=40, blank=True)
    files = models.JSONField(default=list, help_text="Names of the files that were given")
    options = models.JSONField(default=dict, help_text="timezone, format, source, overwrite as they were chosen")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING, db_index=True)
    counts = models.JSONField(default=dict, help_text='{"papers": {"added": 3, "changed": 1, ...}}')
    notes = models.JSONField(default=list, help_text="Warnings, as sentences")
    problems = models.JSONField(default=list, help_text="file, row, field, value, expected of each")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone = models.JSONField(
        null=True, blank=True, help_text="restored, deleted, withdrawn, kept; or refused: why it was not taken back"
    )

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.source or self.pk} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])

    @property
    def name(self) -> str:
        """What pages call it: its source, known once it was read, else its first file. A row may have neither."""
        return self.source or (self.files[0] if self.files else "Files")


class ImportChange(models.Model):
    """What an import does, or did, to one row of the programme. `undo` is made of these."""

    class Action(models.TextChoices):
        ADDED = "added"
        CHANGED = "changed"
        WITHDRAWN = "withdrawn"
        REMOVED = "removed"
        KEPT = "kept"  # only conflicts: the site's own values were kept

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=20, help_text='"paper", "session", ... (papers/values.py)')
    key = models.CharField(max_length=200, help_text="uid of a paper, slug of a person or page")
    title = models.CharField(max_length=500, blank=True)
    action = models.CharField(max_length=10, choices=Action.choices)
    before = models.JSONField(default=dict, help_text="Values of the fields that change, as they were")
    after = models.JSONField(default=dict, help_text="The same fields, as they are then")
    conflicts = models.JSONField(default=dict, help_text="Fields edited on the site: {field: [ours, theirs]}")

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [models.Index(fields=["run", "kind", "action"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.action}"
