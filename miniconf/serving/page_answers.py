"""An answer ready to be sent as often as it is asked for: compressed once, its headers written once."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable
from time import monotonic
from typing import Any

from .compress import COMPRESSED

Headers = list[tuple[bytes, bytes]]

# A browser asks each time whether its copy still holds, so nobody sees an old page; the answer is mostly 304.
PUBLIC = "public, max-age=0, must-revalidate"
PRIVATE = "private, max-age=0, must-revalidate"
# The members' page stands at the same address, and so does the part of it that htmx asks for.
VARY = ("Accept-Encoding", "Cookie", "HX-Request")
STALE = 60.0
SHORTEST_COMPRESSED = 200
OVERHEAD = 1500  # bytes that an entry takes besides its body, roughly

_OURS = frozenset({"content-length", "content-encoding", "etag", "vary", "cache-control", "expires", "age"})
_TAG = re.compile(rb'"[^"]*"')
_NOTHING = {"type": "http.response.body", "body": b""}


class Page:
    """A status, headers and a body: the same for everybody who asks for this address, or who asks for it now."""

    def __init__(
        self,
        *,
        status: int,
        headers: Iterable[tuple[str, str]],
        vary: Iterable[str] = (),
        body: bytes,
        seconds: float,
        stale: float = STALE,
        control: str = PUBLIC,
        tags: frozenset[str] = frozenset(),
    ) -> None:
        """`headers` are the response's; those about caching and encoding are written here.

        The page is fresh for `seconds`, and may be shown for `stale` more while it is being rendered again.
        """
        self.status = status
        self.seconds = seconds
        self.tags = tags
        self.made_at = monotonic()
        self.ends_at = self.made_at + seconds + stale  # of no use to anybody from then on
        shared = [(name.lower(), value) for name, value in headers if name.lower() not in _OURS]
        kind = dict(shared).get("content-type", "").split(";")[0]
        self.is_packed = kind in COMPRESSED and len(body) >= SHORTEST_COMPRESSED
        self._body = gzip.compress(body, 6, mtime=0) if self.is_packed else body
        self.size = len(self._body) + OVERHEAD

        written: Headers = [(name.encode("latin1"), value.encode("latin1")) for name, value in shared]
        about = [
            (b"cache-control", control.encode("latin1")),
            (b"vary", ", ".join(dict.fromkeys([*VARY, *vary])).encode("latin1")),
        ]
        # Strong, so there is one for each encoding (RFC 9110, 8.8.3.3). Only a page that is there can be unchanged, and
        # what htmx is told in headers is part of it.
        told = b"\n".join(b"%b: %b" % header for header in written if header[0].startswith(b"hx-"))
        digest = hashlib.blake2b(body, digest_size=16, salt=hashlib.blake2b(told, digest_size=16).digest())
        tag = digest.hexdigest().encode() if status == 200 else b""
        self._plain = _Variant(status, written, about, tag and b'"%b"' % tag, len(body))
        packed: Headers = [*written, (b"content-encoding", b"gzip")]
        self._packed = (
            _Variant(status, packed, about, tag and b'"%b-gzip"' % tag, len(self._body))
            if self.is_packed
            else self._plain
        )

    async def send(self, send: Any, *, packed: bool, known: bytes | None = None, head: bool = False) -> None:
        """Answer, compressed where `packed`; `known` is If-None-Match, `head` leaves out the body."""
        variant = self._packed if packed else self._plain
        if known is not None and variant.is_known(known):
            await send(variant.unchanged)
            await send(_NOTHING)
        else:
            await send(variant.start)
            await send(_NOTHING if head else {"type": "http.response.body", "body": self._bytes(packed)})

    def _bytes(self, packed: bool) -> bytes:
        # What does not read gzip is rare, and no browser: for that the bytes are not kept.
        return gzip.decompress(self._body) if self.is_packed and not packed else self._body


class _Variant:
    """One encoding of a page."""

    def __init__(self, status: int, headers: Headers, about: Headers, etag: bytes, length: int) -> None:
        self.etag = etag
        if etag:
            about = [*about, (b"etag", etag)]
        headers = [*headers, (b"content-length", b"%d" % length), *about]
        self.start = {"type": "http.response.start", "status": status, "headers": headers}
        self.unchanged = {"type": "http.response.start", "status": 304, "headers": about}

    def is_known(self, known: bytes) -> bool:
        """Whether If-None-Match names this variant, or anything; also where a proxy has marked the tag as weak."""
        return bool(self.etag) and (known == self.etag or known.strip() == b"*" or self.etag in _TAG.findall(known))
