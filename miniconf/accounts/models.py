"""People: accounts signed in to by e-mail code, and the tokens that speak for them in the API."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.timezone import now


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)  # None: no password, codes only
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, is_organizer=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an account. The e-mail address is private; `public_id` and `name` are what others see."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    affiliation = models.CharField(max_length=200, blank=True)
    timezone = models.CharField(max_length=64, blank=True, help_text="IANA name; blank: the browser's")
    is_organizer = models.BooleanField(default=False, help_text="May change the programme and moderate everything")
    is_staff = models.BooleanField(default=False, help_text="May open Django's admin pages")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=now)
    # "What did I miss": a new visit begins when nothing was asked for during an hour (accounts/services.py).
    last_seen_at = models.DateTimeField(null=True, blank=True)
    previous_visit_at = models.DateTimeField(null=True, blank=True)
    reminder_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="E-mail this long before sessions of one's own schedule; 0: none"
    )
    calendar_key = models.CharField(
        max_length=32, blank=True, help_text="Part of the secret address of one's calendar; a new one revokes the old"
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The name shown to others; never the address."""
        return self.name or f"Guest {self.public_id.hex[:6]}"


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is stored; the token itself is shown once, when it is made."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="The token's first letters, to tell tokens apart")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @classmethod
    def issue(cls, user: User, name: str) -> tuple[ApiToken, str]:
        """Make a token for `user`; returns its row and the token's text, which cannot be had again."""
        text = "mc_" + secrets.token_urlsafe(32)
        return cls.objects.create(user=user, name=name, digest=cls.digest_of(text), hint=text[:8]), text

    @staticmethod
    def digest_of(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()
