"""The ASGI application served by uvicorn: static files, pages and the websocket."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "miniconf.settings")
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  the apps must be loaded first
from django.conf import settings  # noqa: E402

from miniconf.live.routing import websocket_urlpatterns  # noqa: E402
from miniconf.observing.asgi import Observed  # noqa: E402
from miniconf.serving.onehop import OneHopHandler  # noqa: E402
from miniconf.serving.page_cache import PageCache  # noqa: E402
from miniconf.serving.static import StaticFiles  # noqa: E402
from papers.listing import SIZES  # noqa: E402
from papers.views.papers import SIZE_COOKIE  # noqa: E402
from papers.zones import COOKIE as ZONE_COOKIE  # noqa: E402
from papers.zones import named_zone  # noqa: E402

# What pages may know of somebody without an account.
COOKIES = {
    ZONE_COOKIE: lambda value: value if named_zone(value) else "",
    SIZE_COOKIE: lambda value: value if value in SIZES else "",
}

application = Observed(
    ProtocolTypeRouter(
        {
            "http": StaticFiles(PageCache(OneHopHandler(), cookies=COOKIES), settings.STATIC_ROOT, settings.STATIC_URL),
            "websocket": URLRouter(websocket_urlpatterns),
        }
    )
)
