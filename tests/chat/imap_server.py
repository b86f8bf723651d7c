"""A small IMAP server on a real socket: one mailbox, the commands that chat/mailbox.py sends, flags that stay."""

from __future__ import annotations

import re
import socketserver
import threading
from contextlib import contextmanager


class Mails(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *mails: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.mails = list(mails)
        self.flags: list[set[str]] = [set() for _ in mails]
        self.cut_after: int | None = None  # answers to FETCH before the connection breaks
        self.said: list[str] = []

    @property
    def url(self) -> str:
        return f"imap://mail%40box:pass%20word@127.0.0.1:{self.server_address[1]}/Answers%20by%20mail"


class Session(socketserver.StreamRequestHandler):
    server: Mails

    def handle(self) -> None:
        self._say(b"* OK ready")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            self.server.said.append(rest)
            words = rest.split(" ", 2)
            name = words[0].upper()
            if name == "UID":
                name = words[1].upper()
            answer = getattr(self, f"do_{name.lower()}", None)
            if answer is None:
                self._say(f"{tag} BAD unknown".encode())
                continue
            if answer(rest) is False:
                return
            self._say(f"{tag} OK done".encode() if self.ok else f"{tag} NO refused".encode())
            if name == "LOGOUT":
                return

    ok = True

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def do_capability(self, _: str) -> None:
        self._say(b"* CAPABILITY IMAP4rev1")

    def do_login(self, rest: str) -> None:
        self.ok = rest == 'LOGIN mail@box "pass word"'

    def do_select(self, rest: str) -> None:
        self.ok = rest == 'SELECT "Answers by mail"'
        self._say(f"* {len(self.server.mails)} EXISTS".encode())

    def do_search(self, _: str) -> None:
        unseen = [str(n + 1) for n, flags in enumerate(self.server.flags) if "\\Seen" not in flags]
        self._say(f"* SEARCH {' '.join(unseen)}".rstrip().encode())

    def do_fetch(self, rest: str) -> bool | None:
        if self.server.cut_after is not None:
            if self.server.cut_after == 0:
                return False
            self.server.cut_after -= 1
        uid = int(rest.split()[2])
        mail = self.server.mails[uid - 1]
        if "RFC822.SIZE" in rest:
            self._say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(mail)})".encode())
            return None
        what = re.search(r"BODY\.PEEK\[(\w*)\]", rest)[1]
        if what == "HEADER":
            mail = mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[{what}] {{{len(mail)}}}\r\n".encode() + mail + b")\r\n")
        return None

    def do_store(self, rest: str) -> None:
        uid, flags = re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \((.*)\)", rest).groups()
        self.server.flags[int(uid) - 1] |= set(flags.split())

    def do_logout(self, _: str) -> None:
        self._say(b"* BYE")


@contextmanager
def imap_server(*mails: bytes):
    with Mails(*mails) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)
