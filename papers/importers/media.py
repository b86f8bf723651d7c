"""Files of a source copied below MEDIA_ROOT: first beside their place, then, when all is well, into it."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path
from types import TracebackType

from django.conf import settings

from papers.file_checks import draw_first_page

from .programme import MediaEntry


class MediaCopy:
    """Entering copies files that differ to temporary names; `publish` renames them; leaving removes what is left."""

    def __init__(self, entries: list[MediaEntry]) -> None:
        self.entries = entries
        self.added = self.changed = self.unchanged = 0
        self._staged: list[tuple[Path, Path]] = []

    def __enter__(self) -> MediaCopy:
        try:
            for entry in self.entries:
                self._stage(entry)
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clean()

    def _stage(self, entry: MediaEntry) -> None:
        target = Path(settings.MEDIA_ROOT, entry.target)
        if target.exists() and filecmp.cmp(entry.path, target):
            self.unchanged += 1
            return
        self.changed += target.exists()
        self.added += not target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = target.with_name(f".{target.name}.{os.getpid()}.part")
        self._staged.append((staged, target))
        shutil.copyfile(entry.path, staged)
        shutil.copystat(entry.path, staged)
        staged.chmod(0o644)

    def publish(self) -> None:
        for staged, target in self._staged:
            staged.replace(target)
            if target.suffix.lower() == ".pdf":
                draw_first_page(target)
        self._staged.clear()

    def _clean(self) -> None:
        for staged, _ in self._staged:
            staged.unlink(missing_ok=True)
