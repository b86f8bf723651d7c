"""A bad line to a site: a proxy that cuts connections after so many bytes, or sends somebody away to come back later."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class BadLine:
    """`cuts`: for the next connections, after how many bytes of the answer each is cut; later ones are left alone.

    `away`: how many of the next requests are answered with 503 and `Retry-After` instead of by the site.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.cuts: list[int] = []
        self.away = 0
        self.cut = 0  # connections that were cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.away:
            self.away -= 1
            client.recv(65536)
            client.sendall(
                b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            client.close()
            return
        site = socket.create_connection(("localhost", self.port))
        threading.Thread(target=self._forward, args=[client, site], daemon=True).start()
        left = self.cuts.pop(0) if self.cuts else None
        while data := self._read(site):
            if left is not None:
                data, left = data[:left], left - len(data)
            try:
                client.sendall(data)
            except OSError:
                break
            if left is not None and left <= 0:
                self.cut += 1
                break
        for end in (client, site):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _forward(self, client: socket.socket, site: socket.socket) -> None:
        while data := self._read(client):
            try:
                site.sendall(data)
            except OSError:
                return

    def _read(self, end: socket.socket) -> bytes:
        try:
            return end.recv(65536)
        except OSError:
            return b""
