from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("demos", "0003_run_asked_priority_keep")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="run",
            name="events",
            field=models.PositiveIntegerField(default=0, db_default=0, help_text="How many were told since it began"),
        ),
        migrations.AddField(
            model_name="run",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="branches",
                to="demos.run",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="parent_token",
            field=models.PositiveIntegerField(blank=True, null=True, help_text="Where it went on from in the parent"),
        ),
        migrations.CreateModel(
            name="RunPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("content_type", models.CharField(max_length=100)),
                ("data", models.BinaryField(help_text="As it is sent: deflated where that is shorter")),
                ("deflated", models.BooleanField()),
                ("size", models.PositiveIntegerField(help_text="Bytes that were put")),
                ("stored_size", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="demos.run"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="runpart", constraint=models.UniqueConstraint(fields=["run", "name"], name="part_of_run")
        ),
    ]
