"""Static files as others serve them, for `benchmarks.pages`: ASGI and WSGI applications over the folder BENCH_FOLDER."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from whitenoise import WhiteNoise

FOLDER = Path(os.environ["BENCH_FOLDER"])


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _not_found(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return []


def whitenoise_wsgi() -> Any:
    """WhiteNoise alone, as a WSGI application."""
    return WhiteNoise(_not_found, root=FOLDER, prefix="static", max_age=60)


def whitenoise_django() -> Any:
    """WhiteNoise as its documentation says: the first middleware of Django, here under Django's ASGI handler."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["whitenoise.middleware.WhiteNoiseMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="benchmark",
        STATIC_URL="/static/",
        STATIC_ROOT=FOLDER,
    )
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def own_static() -> Any:
    """This project's static files."""
    from miniconf.serving.static import StaticFiles

    return StaticFiles(nowhere, FOLDER, "/static/")


urlpatterns: list[Any] = []
