"""What one running site holds: its data folder and its port. Both are refused in a sentence when somebody else has them."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import IO, Any


class CannotStart(Exception):
    """The site cannot be started; the message says why and what to do."""


def hold_data_folder(folder: Path, *, port: int) -> IO[str]:
    """Lock the data folder for as long as the returned file is open. Raises CannotStart when a site runs on it."""
    file = (folder / "up.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = _holder(file)
        raise CannotStart(
            f"another miniconf runs on the data folder {folder}{holder}; "
            "stop it, or choose another folder: MINICONF_DATA=/some/folder"
        ) from error
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "port": port}))
    file.flush()
    return file


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        found: dict[str, Any] = json.loads(file.read())
        return f" (process {found['pid']}, port {found['port']})"
    except (ValueError, KeyError, TypeError):
        return ""


def listen(host: str, port: int) -> socket.socket:
    """The socket all web processes accept from; it outlives each of them, so that nobody is refused during a restart."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, OverflowError) as error:
        raise CannotStart(f"cannot listen on {host}, port {port}: no such address; HOST and PORT say where") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"port {port} is in use; stop what uses it, or choose another: PORT={port % 65535 + 1} make run"
            ) from error
        raise CannotStart(f"cannot listen on {host}, port {port}: {error.strerror}; HOST and PORT say where") from error
    listener.set_inheritable(True)
    return listener
