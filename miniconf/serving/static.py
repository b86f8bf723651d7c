"""Static files answered on the event loop from memory, before Django.

WhiteNoise knows which files there are, their compressed copies, headers, ETags and which names are hashed; under ASGI
its middleware would cost a thread hop for each style sheet. Its index is used, the bytes are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whitenoise import WhiteNoise

from .onehop import Receive, Scope, Send


class StaticFiles:
    """ASGI application that answers `prefix` from `root` and hands everything else on."""

    def __init__(self, application: Any, root: Path, prefix: str) -> None:
        self.application = application
        self.prefix = prefix
        manifest_name = "staticfiles.json"
        # Names with a content hash ("app.0a1b2c3d4e5f.css") never change and may be kept for ever.
        self.index = WhiteNoise(None, immutable_file_test=r"\.[0-9a-f]{12}\.", max_age=60)
        if root.is_dir():
            self.index.add_files(str(root), prefix)
        self.index.files.pop(prefix + manifest_name, None)
        self.bytes: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self.prefix):
            await self.application(scope, receive, send)
            return
        file = self.index.files.get(scope["path"])
        if file is None:
            await self.application(scope, receive, send)  # Django's own page says that it is not there
            return
        await self._answer(file, scope, send)

    async def _answer(self, file: Any, scope: Scope, send: Send) -> None:
        headers = {
            f"HTTP_{name.decode('latin1').upper().replace('-', '_')}": value.decode("latin1")
            for name, value in scope["headers"]
            if name in (b"accept-encoding", b"if-none-match", b"if-modified-since")
        }
        if scope["method"] not in ("GET", "HEAD"):
            response_headers, status, body = [("Allow", "GET, HEAD")], 405, b""
        elif file.is_not_modified(headers):
            response = file.not_modified_response
            response_headers, status, body = response.headers, response.status, b""
        else:
            path, response_headers = file.get_path_and_headers(headers)
            status = 200
            body = b"" if scope["method"] == "HEAD" else self._read(path)
        await send(
            {
                "type": "http.response.start",
                "status": int(status),
                "headers": [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in response_headers]
                + [(b"x-content-type-options", b"nosniff")],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def _read(self, path: str) -> bytes:
        if path not in self.bytes:
            self.bytes[path] = Path(path).read_bytes()
        return self.bytes[path]
