"""Organizers close the sign-up of a table without touching its number of places, which the source gives."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("papers", "0004_programme_grows")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="event",
            name="seats_closed",
            field=models.BooleanField(default=False, help_text="Nobody new may sign up; who has a place keeps it"),
        )
    ]
