"""A few pages of each kind, and how tests wait for what a cache hears."""

import asyncio
import threading

from django.http import HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path

from miniconf.serving.page_cache import mark_page

TEXT = "<p>The same for everybody.</p>" * 100
rendering, go_on = threading.Event(), threading.Event()
version = {"now": 1}


def page(request):
    return HttpResponse(TEXT)


def echo(request):
    """Everything the request brings along."""
    return HttpResponse(f"{sorted(request.headers.items())} {dict(request.COOKIES)} {request.META.get('REMOTE_ADDR')}")


def zone(request):
    return HttpResponse(f"in {request.COOKIES.get('timezone', 'UTC')}")


def part(request):
    if not request.headers.get("HX-Request"):
        return HttpResponse("all of it")
    return HttpResponse("a part", headers={"HX-Push-Url": request.headers.get("HX-Current-URL", "")})


def room(request, key):
    mark_page(request, tags=[f"room:{key}"])
    return HttpResponse(f"version {version['now']}")


def slow(request):
    seen = version["now"]
    rendering.set()
    assert go_on.wait(10)
    return HttpResponse(f"version {seen}")


def brief(request):
    mark_page(request, seconds=5)
    return HttpResponse("not for long")


def form(request):
    return HttpResponse(f"token {get_token(request)}")


def private(request):
    return HttpResponse("mine", headers={"Cache-Control": "private"})


def by_language(request):
    return HttpResponse("hello", headers={"Vary": "Accept-Language"})


def stream(request):
    async def parts():
        for number in range(3):
            yield f"{number} "

    return StreamingHttpResponse(parts(), content_type="text/html")


def picture(request):
    return HttpResponse(b"\x89PNG", content_type="image/png")


def gone(request):
    return HttpResponse("withdrawn", status=410)


def moved(request):
    return HttpResponse(status=302, headers={"Location": "/page"})


def broken(request):
    raise RuntimeError


OWN = (form, private, by_language, stream)
VIEWS = (page, echo, zone, part, slow, brief, picture, gone, moved, broken, *OWN)
urlpatterns = [path(view.__name__, view) for view in VIEWS] + [path("rooms/<key>", room)]


async def until(holds):
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.01)


async def listening(cache, web):
    """The cache hears of changes; it has begun to listen with its first request."""
    await web.get("/nothing")
    await until(lambda: cache.changes.listening)
    cache.store.forget()
    cache.rendered = 0


def grow_old(cache, seconds):
    for kept in cache.store._pages.values():
        kept.made_at -= seconds
        kept.ends_at -= seconds
