"""GET /metrics, for whoever knows METRICS_TOKEN; and the page of unforeseen errors."""

from __future__ import annotations

import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from miniconf.accounts.services import bearer_text

from .context import request_id
from .figures import SiteFigures


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of an error nobody has foreseen, with the id under which the log has it. Needs no database."""
    return HttpResponse(render_to_string("500.html", {"request_id": request_id()}), status=500)


def metrics(request: HttpRequest) -> HttpResponse:
    """Not there for anybody else: what it tells is nobody's business."""
    given = bearer_text(request)
    if not settings.METRICS_TOKEN or given is None or not constant_time_compare(given, settings.METRICS_TOKEN):
        raise Http404
    site = CollectorRegistry()
    site.register(SiteFigures())
    processes = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        processes = CollectorRegistry()
        multiprocess.MultiProcessCollector(processes, path=folder)
    answer = HttpResponse(generate_latest(processes) + generate_latest(site), content_type=CONTENT_TYPE_LATEST)
    answer["Cache-Control"] = "no-store"
    return answer
