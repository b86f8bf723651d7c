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


LOCK = "up.lock"


def hold_data_folder(folder: Path, *, port: int, site_url: str) -> IO[str]:
    """Lock the data folder for as long as the returned file is open. Raises CannotStart when a site runs on it."""
    file = (folder / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        holder = running_site(folder)
        who = f" (process {holder['pid']}, port {holder['port']})" if holder else ""
        raise CannotStart(
            f"another miniconf runs on the data folder {folder}{who}; "
            "stop it, or choose another folder: MINICONF_DATA=/some/folder"
        ) from error
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "port": port, "site_url": site_url}))
    file.flush()
    return file


def running_site(folder: Path) -> dict[str, Any] | None:
    """pid, port and site_url of the site that runs on this data folder, if one does."""
    try:
        with (folder / LOCK).open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found: dict[str, Any] = json.loads(file.read())
                return found if {"pid", "port", "site_url"} <= found.keys() else None
    except (OSError, ValueError, AttributeError):
        pass
    return None


def listen(host: str, port: int) -> socket.socket:
    """The socket all web processes accept from; it outlives each of them, so that nobody is refused during a restart."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, OverflowError) as error:
        raise CannotStart(f"cannot listen on {host}, port {port}: no such address; HOST and PORT say where") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit it. uvicorn takes a socket it was handed for a Unix one and leaves it out: each small
    # answer would wait 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
