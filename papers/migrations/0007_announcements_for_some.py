"""Announcements to a track or a session, and by mail."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("papers", "0006_search_heads")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="announcement",
            name="by_email",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Mailed as well, once it is shown"
            ),
        ),
        migrations.AddField(
            model_name="announcement",
            name="mails_listed_at",
            field=models.DateTimeField(
                blank=True, help_text="When it was settled who gets the mail", null=True
            ),
        ),
        migrations.AddField(
            model_name="announcement",
            name="session",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="announcements",
                to="papers.session",
            ),
        ),
        migrations.AddField(
            model_name="announcement",
            name="track",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="announcements",
                to="papers.track",
            ),
        ),
    ]  # fmt: skip
