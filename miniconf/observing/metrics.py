"""What each process counts; those of one machine write into one folder (PROMETHEUS_MULTIPROC_DIR) and are added up."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("miniconf_http_requests", "Requests answered", ["kind", "status"])
SECONDS = Histogram(
    "miniconf_http_request_seconds",
    "From a request's arrival to the beginning of its answer",
    ["kind"],
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SOCKETS = Gauge("miniconf_live_sockets", "Open websockets", multiprocess_mode="livesum")
LAG = Histogram(
    "miniconf_live_lag_seconds",
    "From publication through the broker to this process's event loop",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
)
MAILS = Counter("miniconf_mails", "Mails handed to the mail server", ["outcome"])


def kind_of(path: str) -> str:
    """The part of the site that an address belongs to; few, so that nobody can make up new ones."""
    for prefix, kind in _KINDS:
        if path.startswith(prefix):
            return kind
    return "page"


_KINDS = (
    ("/static/", "static"),
    ("/media/", "media"),
    ("/api/", "api"),
    ("/runs/", "runs"),
    ("/metrics", "operations"),
    ("/healthz", "operations"),
    ("/readyz", "operations"),
)
