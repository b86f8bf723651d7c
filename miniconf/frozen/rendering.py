"""Pages of the site as a visitor gets them, without a server: through all middleware, in this process."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponse, HttpResponseBase

from .runs import FrozenRuns


class NotRendered(Exception):
    """A page that should have been there could not be made."""


class Renderer:
    """Asks the site for pages. `request.frozen` tells views and templates that nobody will answer later."""

    def __init__(self, runs: FrozenRuns) -> None:
        self._runs = runs
        self._handler = BaseHandler()
        self._handler.load_middleware()
        site = urlsplit(settings.SITE_URL)
        self._host, self._scheme = site.netloc, site.scheme

    def get(self, address: str) -> bytes:
        """The body of an address. Raises NotRendered, which names it, for every answer but 200."""
        parts = urlsplit(address)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path).encode().decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": self._host.partition(":")[0],
            "SERVER_PORT": self._host.partition(":")[2] or ("443" if self._scheme == "https" else "80"),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self._host,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": BytesIO(),
        }
        if settings.SECURE_PROXY_SSL_HEADER:
            name, value = settings.SECURE_PROXY_SSL_HEADER
            environ[name] = value
        request = WSGIRequest(environ)
        request.frozen = self._runs  # type: ignore[attr-defined]
        request.urlconf = "miniconf.frozen.urls"
        response: HttpResponseBase = self._handler.get_response(request)
        # Not closed: that would tell the database that a request is over, and this is one long piece of work.
        if response.status_code != 200:
            raise NotRendered(f"{address}: the site answered {response.status_code}")
        return response.getvalue() if isinstance(response, HttpResponse) else b"".join(response)
