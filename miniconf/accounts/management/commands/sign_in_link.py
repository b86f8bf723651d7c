from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from miniconf.accounts.models import User
from miniconf.accounts.services import sign_in_link


class Command(BaseCommand):
    help = "Print an address that signs in as EMAIL with one click, for seven days. Hand it to nobody else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError(f"there is no account with the address {options['email']!r}")
        if not user.is_active:
            raise CommandError(f"the account {options['email']!r} is switched off")
        self.stdout.write(sign_in_link(user=user))
