"""manage.py forget_person: take somebody's name off everything they did, at their request."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat import privacy
from miniconf.accounts.models import User


class Command(BaseCommand):
    help = "Take somebody's name off everything they did here. This cannot be taken back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="Address of the account")
        parser.add_argument(
            "--account", choices=list(privacy.ACCOUNTS), required=True, help="What becomes of the account"
        )
        parser.add_argument("--remove-texts", action="store_true", help="Remove what they wrote, too")
        parser.add_argument("--note", default="", help="Why, for the record")
        parser.add_argument("--yes", action="store_true", help="Do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        about = User.objects.filter(email__iexact=options["email"].strip()).first()
        if about is None:
            raise CommandError(f"No account has the address {options['email']}.")
        if not options["yes"]:
            said = input(f"Take {about.display_name} ({about.email}) off this site for good? [yes/no] ")
            if said.strip().lower() != "yes":
                raise CommandError("Nothing was changed.")
        report = privacy.forget_person(
            actor=None,
            about=about,
            account=options["account"],
            remove_texts=options["remove_texts"],
            note=options["note"],
        )
        for line in report.as_lines():
            self.stdout.write(line)
