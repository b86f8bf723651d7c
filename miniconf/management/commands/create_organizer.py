"""manage.py create_organizer: the first organizer of an empty site."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from miniconf.accounts.services import sign_in_link


class Command(BaseCommand):
    help = "Make an account an organizer's, creating it if it is not there; prints a link that signs in, last."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", default="", help="The name that others see")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is no e-mail address") from error
        users = get_user_model().objects
        with transaction.atomic():
            user = users.filter(email=email).first()
            if user is None:
                user = users.create_superuser(email, name=options["name"])
                EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
                self.stdout.write(f"{email} has an account now, as an organizer.")
            else:
                user.is_organizer = user.is_staff = user.is_superuser = user.is_active = True
                user.name = options["name"] or user.name
                user.save()
                self.stdout.write(f"{email} is an organizer now.")
        self.stdout.write("This link signs in:")
        self.stdout.write(sign_in_link(user=user))
