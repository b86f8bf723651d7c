"""Invitations, who may make an account without one, and roles that organizers hand over."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Invitation(models.Model):
    """Somebody who may sign in with this address, told so by mail. The address is private."""

    class State(models.TextChoices):
        WAITING = "waiting", "not sent yet"
        SENT = "sent"
        FAILED = "failed", "refused by the mail server"
        ACCEPTED = "accepted", "signed in"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    affiliation = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING, db_index=True)
    due = models.BooleanField(default=False, help_text="A mail is to go out")
    error = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    source = models.CharField(max_length=120, blank=True, help_text="The file it came from")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["email"]

    def __str__(self) -> str:
        return self.name or f"Invitation {self.pk}"


class Act(models.Model):
    """Something an organizer did that others should be able to look up; written once, never changed."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    what = models.CharField(max_length=200)
    about = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.what


class AdmissionRule(models.Model):
    """Where accounts are not for everybody: an address, or "@example.org" for all addresses of a domain."""

    pattern = models.CharField(max_length=254, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pattern"]

    def __str__(self) -> str:
        return self.pattern


class Role(models.Model):
    """Something of the organizers' work that they have handed over to somebody."""

    class Kind(models.TextChoices):
        MODERATOR = "moderator", "Moderator of all rooms"
        CHAIR = "chair", "Chair of a session"
        STAFF = "staff", "Staff of a sponsor"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roles")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=160, blank=True, help_text="Id of the session or sponsor")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["kind", "key", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "kind", "key"], name="role_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}{f' {self.key}' if self.key else ''}"
