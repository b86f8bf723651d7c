"""What the site itself remembers."""

from __future__ import annotations

from django.db import models


class SetupStep(models.Model):
    """Something that is done once in the life of a database, such as loading the sample conference."""

    name = models.CharField(max_length=60, unique=True)
    done_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
