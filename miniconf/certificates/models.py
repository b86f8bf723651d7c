"""Who was there, the organizers' rules, and certificates as they were given out."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class CertificateRules(models.Model):
    """Who gets a certificate, and from when on. There is one row at most; `CertificateRules.current()` is it."""

    class Who(models.TextChoices):
        SIGNED_IN = "signed_in", "Whoever was here, signed in, on a day of the conference"
        TOOK_PART = "took_part", "Whoever opened a session or wrote something on a day of the conference"
        REGISTERED = "registered", "Whoever has an account and has ever signed in"

    is_on = models.BooleanField(default=False)
    who = models.CharField(max_length=12, choices=Who.choices, default=Who.SIGNED_IN)
    available_from = models.DateField(null=True, blank=True, help_text="Empty: the day after the conference")

    class Meta:
        verbose_name_plural = "certificate rules"

    def __str__(self) -> str:
        return self.get_who_display()

    @classmethod
    def current(cls) -> CertificateRules:
        return cls.objects.order_by("pk").first() or cls(pk=1)


class Attendance(models.Model):
    """That somebody was here on a day of the conference, and opened a session; noted once."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attendance")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="First time on a day of the conference")
    session_at = models.DateTimeField(null=True, blank=True, help_text="First session opened on such a day")

    def __str__(self) -> str:
        return f"{self.user} was there"


class Certificate(models.Model):
    """What one certificate says, as it was given out: what is changed later makes another one."""

    code = models.CharField(max_length=24, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="certificates")
    name = models.CharField(max_length=120)
    # {"conference": "", "starts_on": "2027-05-03" | None, "ends_on": …, "attended": true, "organizer": false,
    #  "papers": ["title"], "more_papers": 0, "sessions": ["title"], "more_sessions": 0}
    facts = models.JSONField(default=dict)
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"Certificate {self.pk}"
