from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from miniconf.accounts.models import ApiToken, User


class Command(BaseCommand):
    help = "Make an API token for the account EMAIL and print it, alone on the last line. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what the token is for, as its owner will see it")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= 80:
            raise CommandError("--name must have between 1 and 80 characters")
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError(f"there is no account with the address {options['email']!r}")
        if not user.is_active:
            raise CommandError(f"the account {options['email']!r} is switched off")
        token, text = ApiToken.issue(user, name)
        self.stdout.write(f"Token {token.name!r} of {user.email}; send it as 'Authorization: Bearer TOKEN':")
        self.stdout.write(text)
