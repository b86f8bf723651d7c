"""A cache in front of some pages."""

import httpx
import pytest

from miniconf.serving.onehop import OneHopHandler
from miniconf.serving.page_cache import PageCache
from papers.models import Conference

from . import some_pages
from .some_pages import go_on, rendering, version


@pytest.fixture
def cache(settings, transactional_db):
    Conference.current()  # which makes it
    settings.ROOT_URLCONF = some_pages.__name__
    version["now"] = 1
    rendering.clear()
    go_on.clear()
    zones = {"Europe/Berlin", "Asia/Tokyo"}
    return PageCache(OneHopHandler(), cookies={"timezone": lambda value: value if value in zones else ""})


@pytest.fixture
def web(cache):
    transport = httpx.ASGITransport(app=cache, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")
