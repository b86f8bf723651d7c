"""Mails fetched from a mailbox by IMAP: each is marked as seen once it was taken or refused, and stays there.

A mail that cannot be read stops none of the others: it is flagged for a person to look at. What cannot be taken just now
stays unseen and is fetched again.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import re
import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .inbound import LARGEST, Later, note_too_large, receive

logger = logging.getLogger(__name__)

TIMEOUT = 30.0  # seconds for each answer of the server
MOST_AT_ONCE = 50
SCHEMES = {"imaps": 993, "imap+tls": 143, "imap": 143}


@dataclass(frozen=True, slots=True)
class Mailbox:
    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str

    def __repr__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/{self.folder}"


def mailbox_of(url: str) -> Mailbox:
    """Reads imaps://user:password@host:993/INBOX; special characters are percent-encoded."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in SCHEMES or not parts.hostname or not parts.username or parts.password is None:
        raise ImproperlyConfigured(
            "IMAP_URL must be like imaps://user:password@host:993/INBOX (or imap+tls://, imap://)"
        )
    return Mailbox(
        parts.scheme,
        parts.hostname,
        port or SCHEMES[parts.scheme],
        unquote(parts.username),
        unquote(parts.password),
        unquote(parts.path.strip("/")) or "INBOX",
    )


def fetch(mailbox: Mailbox) -> Counter[str]:
    """Take the unseen mails, 50 at most; counts them as "posted", "refused", "later" and "unreadable".

    Raises OSError or imaplib.IMAP4.error where the mailbox cannot be opened.
    """
    done: Counter[str] = Counter()
    with _opened(mailbox) as server:
        _, found = server.uid("SEARCH", "UNSEEN", "UNDELETED")
        for uid in (found[0] or b"").decode("ascii", "replace").split()[:MOST_AT_ONCE]:
            try:
                outcome = _take(server, uid)
            except (OSError, imaplib.IMAP4.abort):
                raise  # the connection is gone
            except Later:
                outcome = "later"
            except Exception:  # whatever is wrong with this one, the next ones are not to wait for it
                logger.exception("Mail %s of %r cannot be read; it is flagged", uid, mailbox)
                outcome = "unreadable"
            if outcome != "later":
                flags = r"(\Seen \Flagged)" if outcome == "unreadable" else r"(\Seen)"
                server.uid("STORE", uid, "+FLAGS.SILENT", flags)
            done[outcome] += 1
    return done


@contextlib.contextmanager
def _opened(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    context = ssl.create_default_context()
    if mailbox.scheme == "imaps":
        server: imaplib.IMAP4 = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=TIMEOUT)
    else:
        server = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=TIMEOUT)
    try:
        if mailbox.scheme == "imap+tls":
            server.starttls(context)
        server.login(mailbox.user, mailbox.password)
        quoted = mailbox.folder.replace("\\", "\\\\").replace('"', '\\"')
        state, answer = server.select(f'"{quoted}"')
        if state != "OK":
            raise imaplib.IMAP4.error(f"the folder {mailbox.folder} cannot be opened: {answer!r}")
        yield server
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _take(server: imaplib.IMAP4, uid: str) -> str:
    size = _size(server, uid)
    if size is None:
        return "refused"  # somebody has taken it away meanwhile
    if size > LARGEST:
        note_too_large(_fetched(server, uid, "BODY.PEEK[HEADER]")[:20_000])
        return "refused"
    return "refused" if receive(_fetched(server, uid, "BODY.PEEK[]")).refused else "posted"


def _size(server: imaplib.IMAP4, uid: str) -> int | None:
    _, answer = server.uid("FETCH", uid, "(RFC822.SIZE)")
    for line in answer:
        text = line if isinstance(line, bytes) else line[0] if line else b""
        if match := re.search(rb"RFC822\.SIZE (\d+)", text):
            return int(match[1])
    return None


def _fetched(server: imaplib.IMAP4, uid: str, what: str) -> bytes:
    _, answer = server.uid("FETCH", uid, f"({what})")
    for part in answer:
        if isinstance(part, tuple):
            return bytes(part[1])
    raise ValueError(f"the server did not send {what}")
