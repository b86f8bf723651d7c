"""Imports are taken back by a worker, and keep what that did."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("papers", "0007_announcements_for_some")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="import",
            name="undone",
            field=models.JSONField(
                blank=True,
                help_text="restored, deleted, withdrawn, kept; or refused: why it was not taken back",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="import",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("reading", "Reading"),
                    ("ready", "Ready"),
                    ("applying", "Applying"),
                    ("applied", "Applied"),
                    ("refused", "Refused"),
                    ("undoing", "Undoing"),
                    ("undone", "Undone"),
                    ("discarded", "Discarded"),
                ],
                db_index=True,
                default="waiting",
                max_length=12,
            ),
        ),
    ]
