"""The ASGI application served by uvicorn: static files, pages and the websocket."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "miniconf.settings")
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  the apps must be loaded first
from django.conf import settings  # noqa: E402

from miniconf.live.routing import websocket_urlpatterns  # noqa: E402
from miniconf.serving.onehop import OneHopHandler  # noqa: E402
from miniconf.serving.static import StaticFiles  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": StaticFiles(OneHopHandler(), settings.STATIC_ROOT, settings.STATIC_URL),
        "websocket": URLRouter(websocket_urlpatterns),
    }
)
