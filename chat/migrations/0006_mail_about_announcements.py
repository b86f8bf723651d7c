"""Members choose whether announcements are mailed to them."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("chat", "0005_search")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="mailchoice",
            name="announcement",
            field=models.CharField(
                choices=[("at once", "At Once"), ("hourly", "Hourly"), ("daily", "Daily"), ("never", "Never")],
                db_default="at once",
                default="at once",
                max_length=8,
            ),
        )
    ]
