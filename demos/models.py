"""Demos on papers, and runs of them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

NOTHING = models.Value({}, models.JSONField())  # what rows get that code before a column writes


class Demo(models.Model):
    """A model that can be tried on a paper's page: a kind of demo, a model, and how they are set up."""

    slug = models.SlugField(max_length=80, unique=True)
    paper = models.ForeignKey("papers.Paper", null=True, blank=True, on_delete=models.CASCADE, related_name="demos")
    kind = models.CharField(max_length=40, help_text="Name of a kind in demos/kinds")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, help_text="Markdown")
    model = models.CharField(max_length=200, help_text="Name of a folder below MODELS_DIR")
    defaults = models.JSONField(default=dict, blank=True, help_text="Inputs preset in the form")
    limits = models.JSONField(default=dict, blank=True, help_text="Narrower bounds than the kind's own")
    examples = models.JSONField(default=list, blank=True, help_text='[{"title": "...", "inputs": {...}}]')
    options = models.JSONField(default=dict, db_default=NOTHING, blank=True, help_text="Settings of the kind's own")
    position = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    source = models.CharField(max_length=60, blank=True, db_index=True)
    # For each field edited on the site: what the source said of it (papers/importers/merge.py).
    edited = models.JSONField(default=dict, db_default=NOTHING, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["position", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("demo", args=[self.slug])


class Run(models.Model):
    """One run of a demo: a permanent record that can be looked at and replayed by its id."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    FINISHED: ClassVar[frozenset[str]] = frozenset({"succeeded", "failed", "cancelled", "expired"})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    demo = models.ForeignKey(Demo, on_delete=models.CASCADE, related_name="runs")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    visitor = models.CharField(max_length=64, blank=True, help_text="Keyed hash of who asked, if not signed in")
    inputs = models.JSONField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED, db_index=True)
    output = models.JSONField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0, db_default=0, help_text="How much work was asked for, in tokens")
    priority = models.BooleanField(
        default=False, db_default=False, help_text="An author's, during the paper's session: before others"
    )
    keep = models.BooleanField(default=True, db_default=True, help_text="Goes on when nobody watches it")
    events = models.PositiveIntegerField(default=0, db_default=0, help_text="How many were told since it began")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="branches")
    parent_token = models.PositiveIntegerField(null=True, blank=True, help_text="Where it went on from in the parent")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What the output follows from, and which example of the demo this was run for (demos/stored.py); empty: not known.
    result_key = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    example_key = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    is_stored = models.BooleanField(
        default=False, db_default=False, help_text="Nobody's own: a result that answers everybody who asks"
    )

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["result_key"], condition=~models.Q(result_key=""), name="run_by_result"),
            models.Index(fields=["example_key"], condition=~models.Q(example_key=""), name="run_by_example"),
        ]

    def __str__(self) -> str:
        return f"{self.demo.slug} {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.id])


class RunPart(models.Model):
    """Bytes that a run left beside its output; demos/parts.py puts and bounds them."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=80)
    content_type = models.CharField(max_length=100)
    data = models.BinaryField(help_text="As it is sent: deflated where that is shorter")
    deflated = models.BooleanField()
    size = models.PositiveIntegerField(help_text="Bytes that were put")
    stored_size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "name"], name="part_of_run")]

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}"
