"""A mail server to send to, which refuses what it is told to refuse."""

from __future__ import annotations

import socketserver


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server that answers DATA with `answers` in turn ("250 ok" afterwards); "" hangs up after the mail came."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.answers: list[str] = []
        self.refused: dict[str, str] = {}
        self.taken: list[str] = []
        super().__init__(("127.0.0.1", port), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 here")
        to = ""
        while line := self.rfile.readline().decode().strip():
            match line.split()[0].upper():
                case "RCPT":
                    to = line.split("<")[1].split(">")[0]
                    self.say(self.server.refused.get(to, "250 ok"))
                case "DATA":
                    self.say("354 go on")
                    while self.rfile.readline() not in (b".\r\n", b""):
                        pass
                    answer = self.server.answers.pop(0) if self.server.answers else "250 ok"
                    if answer.startswith("250") or not answer:
                        self.server.taken.append(to)
                    if not answer:
                        return
                    self.say(answer)
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")
