"""`python -m miniconf.processes.probe web|default|gpu|beat`: is the process of this container alive? (exit code 0 or 1)

For health checks of containers, where each process has a host name of its own.
"""

from __future__ import annotations

import os
import socket
import sys
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT = 3  # seconds


def get(path: str, *, host: str, port: int) -> tuple[int, bytes]:
    """Status and body of a page of the web process at `host`; status 0 when there is no answer."""
    site = urlsplit(os.environ.get("SITE_URL") or f"http://localhost:{port}").netloc
    shown = f"[{host}]" if ":" in host else host
    request = Request(f"http://{shown}:{port}{path}", headers={"Host": site})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT) as response:
            return response.status, response.read()
    except URLError as error:
        if hasattr(error, "code") and hasattr(error, "read"):  # an HTTPError is a response too
            return error.code, error.read()
        return 0, b""
    except OSError:
        return 0, b""


def announced(name: str) -> bool:
    import redis

    from .presence import PREFIX, broker_client

    try:
        return bool(broker_client(timeout=TIMEOUT).exists(PREFIX + name))
    except redis.RedisError:
        return False


def main(what: str) -> int:
    if what == "web":
        return 0 if get("/healthz", host="127.0.0.1", port=int(os.environ.get("PORT") or 8000))[0] == 200 else 1
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "miniconf.settings")
    return 0 if announced(f"{what}@{socket.gethostname()}") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
