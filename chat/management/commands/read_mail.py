"""`manage.py read_mail`: take the answers in the mailbox now, as the scheduler does every minute; or one mail from a file
or the standard input, as mail servers hand them over (`| manage.py read_mail -`)."""

from __future__ import annotations

import argparse
import imaplib
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.inbound import LARGEST, Later, receive
from chat.mailbox import fetch, mailbox_of

TRY_AGAIN = 75  # EX_TEMPFAIL: mail servers keep the mail and bring it again


class Command(BaseCommand):
    help = "Take answers that came by mail: from the mailbox IMAP_URL, or one mail from a file (- for standard input)"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="a mail as a file, - for standard input")
        parser.add_argument("--recipient", action="append", default=[], help="address the mail was brought to")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"]:
            self._one(options["file"], options["recipient"])
            return
        if not settings.IMAP_URL:
            raise CommandError("IMAP_URL is not set: there is no mailbox to read (docs/operating.md, Mail in)")
        try:
            done = fetch(mailbox_of(settings.IMAP_URL))
        except (OSError, imaplib.IMAP4.error) as error:
            raise CommandError(f"the mailbox cannot be read: {error}") from error
        self.stdout.write(", ".join(f"{done[what]} {what}" for what in ("posted", "refused", "later", "unreadable")))

    def _one(self, name: str, recipients: list[str]) -> None:
        try:
            if name == "-":
                raw = sys.stdin.buffer.read(LARGEST + 1)
            else:
                with Path(name).open("rb") as file:
                    raw = file.read(LARGEST + 1)
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}") from error
        try:
            row = receive(raw, recipients=recipients)
        except Later as later:
            raise CommandError(f"Not now: {later}", returncode=TRY_AGAIN) from later
        self.stdout.write(f"Refused: {row.refused}" if row.refused else f"Posted as message {row.message_id}")
