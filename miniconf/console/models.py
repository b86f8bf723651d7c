"""Numbers by day of things that are kept nowhere else, and what organizers chose for the site as a whole."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class DayNumber(models.Model):
    """How many of `what` there were on a day (UTC): "visitors" all together, "views" and "plays" by paper."""

    day = models.DateField()
    what = models.CharField(max_length=20)
    key = models.CharField(max_length=120, blank=True, help_text="Id of the paper")
    number = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["day", "what", "key"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["what", "day", "key"], name="day_number_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.what} {self.key}"


class Appearance(models.Model):
    """How the site looks and what its menu holds. There is one row at most; `Appearance.current()` is it."""

    accent = models.CharField(max_length=7, blank=True, help_text="Colour on a light page; blank: the site's own")
    accent_dark = models.CharField(max_length=7, blank=True, help_text="On a dark one; blank: made from the other")
    logo = models.BinaryField(default=bytes, help_text="A WebP picture; here, so that every machine and backup has it")
    logo_mark = models.CharField(max_length=16, blank=True, help_text="Part of its address; changes with it")
    logo_alone = models.BooleanField(default=False, help_text="The logo stands for the name")
    # [{"what": "papers" | "page:<slug>" | address, "label": "", "place": "top" | "footer" | "hidden"}], in order
    menu = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "appearance"

    def __str__(self) -> str:
        return "Appearance"

    @classmethod
    def current(cls) -> Appearance:
        """Without the logo's bytes, which are read when asked for; with defaults where nothing was chosen."""
        return cls.objects.defer("logo").order_by("pk").first() or cls(pk=1)


class MailWording(models.Model):
    """The words of a mail where organizers wrote their own; the others are in templates/mail."""

    name = models.CharField(max_length=40, unique=True, help_text="As in miniconf/mail_texts.py")
    subject = models.CharField(max_length=200)
    body = models.TextField(help_text="Plain text with placeholders such as {conference}")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class BackupMade(models.Model):
    """That `manage.py backup` has written a file, for those who cannot look into its folder."""

    at = models.DateTimeField(auto_now_add=True)
    size = models.PositiveBigIntegerField(help_text="Bytes")
    media = models.BooleanField(default=True, help_text="With films, posters and pictures")

    class Meta:
        ordering: ClassVar = ["-pk"]
        verbose_name_plural = "backups made"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
