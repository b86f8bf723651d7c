"""Compression of pages and JSON, and of nothing else."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "text/plain", "text/css", "text/calendar", "application/json", "application/problem+json")


class CompressPages(GZipMiddleware):
    """Django's GZipMiddleware (with its padding against BREACH), kept away from streams.

    It would hold back server-sent events until enough had come together, and compress videos, which are compressed.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").split(";")[0]
        if response.streaming or kind not in COMPRESSED:
            return response
        return super().process_response(request, response)
