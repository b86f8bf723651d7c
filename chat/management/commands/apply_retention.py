"""manage.py apply_retention: remove the texts of old messages now, as beat does once a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from chat import privacy


class Command(BaseCommand):
    help = "Remove the texts of messages that are older than CHAT_RETENTION_DAYS; their places stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="Instead of CHAT_RETENTION_DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        days = settings.CHAT_RETENTION_DAYS if options["days"] is None else options["days"]
        if options["days"] is not None and days < 1:
            raise CommandError(f"At least 1 day was expected, not {days}.")
        if days == 0:
            self.stdout.write("CHAT_RETENTION_DAYS is 0: texts are kept for ever.")
            return
        removed = privacy.remove_old_texts(before=now() - timedelta(days=days))
        self.stdout.write(f"{removed:,} text{'' if removed == 1 else 's'} removed")
