"""Writing the frozen site into a folder: pages, scripts, data, files."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
from django.urls import reverse

from miniconf.console.models import Appearance
from miniconf.console.site import look
from papers import media
from papers.models import Conference
from papers.queries import visible_papers, with_cards

from .names import Names
from .pages import addresses
from .rendering import Renderer
from .rewrite import rewrite
from .runs import FrozenRuns
from .scripts import bundle

Progress = Callable[[int, int], None]  # pages written, pages in all
MARK = "frozen-conference.json"  # says that a folder is ours to write into again
_COPIED = {".css", ".svg", ".png", ".ico", ".webp", ".woff2"}
_DOCUMENTS = ("map_points", "map_titles")
_FILES = {"/schedule.ics": "schedule.ics", "/export/json": "programme.json"}


class CannotFreeze(Exception):
    """Why nothing was written, as a sentence."""


def freeze(folder: Path, *, videos: bool = True, progress: Progress | None = None) -> int:
    """Write the site into `folder`, which is new, empty, or a frozen site; returns the number of pages.

    It is written beside the folder first: what is there stays whole until the new one is complete. Raises CannotFreeze
    for a conference that only members may see, and NotRendered when a page cannot be made.
    """
    conference = Conference.current()
    if conference.members_only:
        raise CannotFreeze("This conference is for its members only: a frozen site would show it to everybody.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise CannotFreeze(f"{folder} is neither empty nor a frozen site: nothing of it is written over.")
    target = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        with _plain_static_names():
            count = _Freezing(target, videos).write(progress or (lambda done, total: None))
        (target / MARK).write_text(json.dumps({"conference": conference.name, "pages": count}), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        target.rename(folder)
    finally:
        shutil.rmtree(target, ignore_errors=True)
    return count


@contextmanager
def _plain_static_names() -> Iterator[None]:
    """Static files under their own names: nothing was collected for the frozen site, and it never changes."""
    staticfiles_storage._setup()  # type: ignore[attr-defined]  # a lazy object: what it wraps is exchanged
    collected, staticfiles_storage._wrapped = staticfiles_storage._wrapped, StaticFilesStorage()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        staticfiles_storage._wrapped = collected  # type: ignore[attr-defined]


class _Freezing:
    def __init__(self, folder: Path, videos: bool) -> None:
        self.folder, self.videos = folder, videos
        self.names = Names()
        self.runs = FrozenRuns()
        self.renderer = Renderer(self.runs)
        self.media: set[str] = set()

    def write(self, progress: Progress) -> int:
        pages = [(address, self.names.add(address)) for address in addresses(self.runs)]
        files = _FILES | look.addresses(Appearance.current())
        for address, file in files.items():
            self.names.add(address, file)
        parts = list(self.runs.parts())
        for address in parts:
            self.names.add(address, address.strip("/"))
        self._scripts()
        map_page = reverse("map")
        for done, (address, file) in enumerate(pages):
            progress(done, len(pages))
            scripts = ["scripts/main.js"]
            if address in (map_page, reverse("papers")):
                scripts = ["data/papers.js", *scripts]
            if address == map_page:
                scripts += ["data/map.js", "scripts/map.js"]
            self._page(address, file, scripts)
        self._data()
        for address in (*files, *parts):
            self._put(self.names.add(address), self.renderer.get(address))
        for name in sorted(self.media):
            self._media(name)
        return len(pages)

    def _put(self, file: str, content: bytes) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _page(self, address: str, file: str, scripts: list[str]) -> None:
        def resolve(target: str) -> str | None:
            return self._resolve(target, address, file)

        html = rewrite(
            self.renderer.get(address).decode(), resolve, [self.names.relative(script, file) for script in scripts]
        )
        self._put(file, html.encode())

    def _resolve(self, target: str, address: str, file: str) -> str | None:
        """What the page writes for an address of this site; None for what is not frozen."""
        path = urlsplit(target).path
        if path.startswith(settings.STATIC_URL):
            return self.names.relative(f"static/{path.removeprefix(settings.STATIC_URL)}", file)
        if path.startswith(settings.MEDIA_URL):
            name = unquote(path.removeprefix(settings.MEDIA_URL))
            found = media.find(name)
            if found is None or (not self.videos and found.content_type.startswith(("video/", "audio/"))):
                return None
            if found.path.suffix == ".vtt":  # captions are fetched, and from a disk nothing is
                return "data:text/vtt;base64," + base64.b64encode(found.path.read_bytes()).decode()
            self.media.add(name)
            return self.names.relative(f"media/{name}", file)
        known = self.names.find(target, address)
        if known is None:
            return None
        return self.names.relative(known[0], file) + known[1]

    def _scripts(self) -> None:
        root = Path(settings.BASE_DIR, "static")
        self._put("scripts/main.js", bundle(["frozen/main.js"], root).encode())
        self._put("scripts/map.js", bundle(["frozen/map.js", "papers/map.js"], root).encode())
        for name, storage in (
            (name, storage) for finder in finders.get_finders() for name, storage in finder.list(["admin/*", "ninja/*"])
        ):
            if Path(name).suffix in _COPIED or name == "site/theme.js":
                with storage.open(name) as source:
                    self._put(f"static/{name}", source.read())

    def _data(self) -> None:
        """What scripts read, as scripts: a page from a disk may not fetch."""
        rows = []
        files = {}
        for paper in with_cards(visible_papers().order_by("pk")):
            authors = ", ".join(authorship.person.name for authorship in paper.authorships.all())
            keywords = ", ".join(keyword.name for keyword in paper.keywords.all())
            rows.append([paper.uid, paper.title, authors, keywords, f"{paper.tldr} {paper.abstract}"])
            files[paper.uid] = self.names.add(paper.get_absolute_url())
        map_file = self.names.add(reverse("map"))
        up = self.names.relative("x", map_file).removesuffix("x")
        self._put(
            "data/papers.js",
            _assignment({"texts": rows, "files": files, "up": up, "documents": {}}, "globalThis.frozen = ")
            + b"globalThis.frozen.paper = (uid) => globalThis.frozen.up + globalThis.frozen.files[uid];\n",
        )
        documents = {reverse(name): json.loads(self.renderer.get(reverse(name))) for name in _DOCUMENTS}
        self._put("data/map.js", _assignment(documents, "globalThis.frozen.documents = "))

    def _media(self, name: str) -> None:
        found = media.find(name)
        if found is not None:
            path = self.folder / "media" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found.path, path)


def _assignment(value: object, before: str) -> bytes:
    # In a script, "</" and the two line separators of Unicode are no data.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("</", "<\\/").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"{before}{text};\n".encode()
