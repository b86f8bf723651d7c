"""Ready answers in memory, bounded in bytes.

The least recently asked for goes first, unless it is asked for more often than what would take its place (TinyLFU;
Einziger, Friedman and Manes, 2017): addresses with junk in them, each asked for once or twice, push out no page that
many people read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Hashable
from time import monotonic

from .page_answers import Page

MOST_COUNTED = 20_000  # addresses whose requests are counted
COUNTED_BETWEEN_HALVINGS = 10 * MOST_COUNTED  # so that what was popular yesterday does not stay for ever
CHANGES_KEPT = 1000


class PageStore:
    """Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.change = 0  # number of the last call of forget()
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self._tagged: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._changes: deque[tuple[int, frozenset[str] | None]] = deque(maxlen=CHANGES_KEPT)
        self._asked: dict[int, int] = {}
        self._counted = 0

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, key: Hashable) -> Page | None:
        """The page, be it fresh or not; counts as a request for it."""
        with self._lock:
            self._count(hash(key))
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
            return page

    def put(self, key: Hashable, page: Page, *, since: int) -> bool:
        """Keep `page`, which was begun when `change` was `since`; False where it may not be kept.

        That is when something it shows has changed meanwhile, or when it is too large or too rarely asked for.
        """
        with self._lock:
            if page.size > self.limit // 8 or self._changed(page, since):
                return False
            self._drop(key)
            while self.bytes + page.size > self.limit:
                oldest, victim = next(iter(self._pages.items()))
                if victim.ends_at > monotonic() and self._popularity(oldest) >= self._popularity(key):
                    return False
                self._drop(oldest)
            self._pages[key] = page
            self.bytes += page.size
            for tag in page.tags:
                self._tagged[tag].add(key)
            return True

    def drop(self, key: Hashable) -> None:
        with self._lock:
            self._drop(key)

    def forget(self, tags: Collection[str] | None = None) -> None:
        """Drop the pages with one of these tags, or all; those that are being rendered now will not be kept."""
        with self._lock:
            self.change += 1
            if tags is None:
                self._pages.clear()
                self._tagged.clear()
                self._changes.clear()
                self._changes.append((self.change, None))
                self.bytes = 0
                return
            self._changes.append((self.change, frozenset(tags)))
            for tag in tags:
                for key in tuple(self._tagged.get(tag, ())):
                    self._drop(key)

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is None:
            return
        self.bytes -= page.size
        for tag in page.tags:
            keys = self._tagged[tag]
            keys.discard(key)
            if not keys:
                del self._tagged[tag]

    def _changed(self, page: Page, since: int) -> bool:
        if since == self.change:
            return False
        if not self._changes or since < self._changes[0][0] - 1:
            return True  # nobody knows any more
        return any(tags is None or not tags.isdisjoint(page.tags) for number, tags in self._changes if number > since)

    def _count(self, name: int) -> None:
        self._asked[name] = self._asked.get(name, 0) + 1
        self._counted += 1
        if len(self._asked) > MOST_COUNTED or self._counted > COUNTED_BETWEEN_HALVINGS:
            self._asked = {name: count // 2 for name, count in self._asked.items() if count > 1}
            self._counted = 0

    def _popularity(self, key: Hashable) -> int:
        return self._asked.get(hash(key), 0)
