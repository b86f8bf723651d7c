"""manage.py export_room: a room's conversation into a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.room_export import FORMATS
from chat.rooms import find_room


class Command(BaseCommand):
    help = "Export a room's conversation, without what was deleted or hidden and without e-mail addresses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("room", metavar="ROOM", help='Key of the room: "paper:SkxSha1", "lounge:main"')
        parser.add_argument(
            "file", metavar="FILE", nargs="?", default="-", help="Where to write; - for standard output"
        )
        parser.add_argument(
            "--format", choices=list(FORMATS), help="As the file is called; Markdown if that says nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        room = find_room(options["room"])
        if room is None:
            raise CommandError(
                f"There is no room “{options['room']}”; rooms are called like paper:SkxSha1 or lounge:main."
            )
        ending = Path(options["file"]).suffix.removeprefix(".")
        export = FORMATS[options["format"] or (ending if ending in FORMATS else "md")]
        if options["file"] == "-":
            for piece in export.pieces(room):
                self.stdout.write(piece, ending="")
            return
        path = Path(options["file"])
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, prefix=".export-", encoding="utf-8", delete=False
            ) as file:
                try:
                    file.writelines(export.pieces(room))
                    file.flush()
                    Path(file.name).chmod(0o644)
                    os.replace(file.name, path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes of {export.title}")
