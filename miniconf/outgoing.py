"""Requests that this site makes to addresses which somebody else tells it.

There are few: what a sign-in provider's own description names. Addresses in papers, messages and files are shown, never
fetched. Whoever fetches one must do it with `guarded_session`, or the site becomes a way into the network it stands in.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet: not this machine, its network, or a service of its cloud."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


def guarded_session(*, trusted_hosts: Collection[str] = (), timeout: float = 5) -> requests.Session:
    """A session that talks to public addresses only, and to `trusted_hosts` (which the operator named) wherever they are.

    The address is looked at once the connection stands and before anything is sent: a name that resolves to something
    else the second time gains nothing. Redirects are not followed. Behind an HTTP proxy (`HTTPS_PROXY`) the proxy decides.
    """
    session = _Session(timeout)
    adapter = _GuardedAdapter({host.lower() for host in trusted_hosts})
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Session(requests.Session):
    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        options.setdefault("timeout", self._timeout)
        return super().request(*arguments, **options)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, trusted: set[str]) -> None:
        self._trusted = trusted
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        trusted = self._trusted

        def checked(connection: HTTPConnection, made: socket.socket) -> socket.socket:
            peer = str(made.getpeername()[0])
            if connection.host.lower().strip("[]") not in trusted and not is_public(peer):
                made.close()
                raise NewConnectionError(connection, f"{connection.host} is not on the public Internet")
            return made

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return checked(self, super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return checked(self, super()._new_conn())

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
