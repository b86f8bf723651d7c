"""Zip files whose members are written piece by piece, the same bytes for the same content."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, TextIO

from papers.importers.cells import guarded


class Archive:
    """A zip being written to a stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    @contextmanager
    def text(self, name: str, *, mark: bool = False) -> Iterator[TextIO]:
        """A member to write text to; with a byte order `mark` spreadsheet programs know that it is UTF-8."""
        member = zipfile.ZipInfo(name)  # with the first date there is, not today's
        member.compress_type = zipfile.ZIP_DEFLATED
        member.external_attr = 0o644 << 16
        with (
            self._zip.open(member, "w", force_zip64=True) as binary,
            io.TextIOWrapper(binary, encoding="utf-8-sig" if mark else "utf-8", newline="") as text,
        ):
            yield text

    def table(
        self, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]], *, mark: bool = False
    ) -> None:
        """A CSV file; a column that a row does not name is empty."""
        with self.text(name, mark=mark) as text:
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(columns)
            for row in rows:
                writer.writerow([guarded(row.get(column, "")) for column in columns])

    def json(self, name: str, value: Any) -> None:
        with self.text(name) as text:
            for piece in json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(value):
                text.write(piece)
            text.write("\n")
