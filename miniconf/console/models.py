"""Numbers by day, of things that are kept nowhere else."""

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
