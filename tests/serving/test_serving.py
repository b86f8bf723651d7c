"""The ASGI front: static files from memory, pages in one hop, streams, limits."""

import gzip

import httpx
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from miniconf.serving.onehop import OneHopHandler
from miniconf.serving.static import StaticFiles

pytestmark = pytest.mark.django_db(transaction=True)

STYLE = "body { color: black }\n" * 100


def echo(request):
    return HttpResponse(f"{len(request.body)} bytes", content_type="text/html")


def long_page(request):
    return HttpResponse("<p>again and again</p>" * 200, content_type="text/html")


def stream(request):
    async def events():
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingHttpResponse(events(), content_type="text/event-stream")


def file(request):
    return StreamingHttpResponse((b"x" * 1000 for _ in range(3)), content_type="video/mp4")


def broken(request):
    raise RuntimeError("something is wrong here")


urlpatterns = [path(view.__name__, view) for view in (echo, long_page, stream, file, broken)]


@pytest.fixture
def web(settings, tmp_path):
    settings.ROOT_URLCONF = __name__
    (tmp_path / "style.0123456789ab.css").write_text(STYLE)
    (tmp_path / "style.0123456789ab.css.gz").write_bytes(gzip.compress(STYLE.encode()))
    (tmp_path / "plain.css").write_text(STYLE)
    application = StaticFiles(OneHopHandler(), tmp_path, "/static/")
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def test_static_files_come_compressed_and_named_by_content_are_kept_for_ever(web):
    answer = await web.get("/static/style.0123456789ab.css")
    assert answer.text == STYLE
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == 'text/css; charset="utf-8"'
    assert "immutable" in answer.headers["cache-control"]
    assert "immutable" not in (await web.get("/static/plain.css")).headers["cache-control"]


async def test_a_static_file_that_has_not_changed_is_not_sent_again(web):
    etag = (await web.get("/static/plain.css")).headers["etag"]
    answer = await web.get("/static/plain.css", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_static_files_are_only_read(web):
    assert (await web.post("/static/plain.css")).status_code == 405
    assert (await web.get("/static/../settings.py")).status_code == 404
    assert (await web.get("/static/nowhere.css")).status_code == 404


async def test_pages_are_compressed_and_streams_are_not(web):
    page = await web.get("/long_page")
    assert page.headers["content-encoding"] == "gzip"
    assert page.text == "<p>again and again</p>" * 200
    events = await web.get("/stream")
    assert "content-encoding" not in events.headers
    assert events.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
    video = await web.get("/file")
    assert "content-encoding" not in video.headers
    assert video.content == b"x" * 3000


async def test_a_request_larger_than_allowed_is_refused(web, settings):
    settings.MAX_REQUEST_BYTES = 1000
    assert (await web.post("/echo", content=b"x" * 1001)).status_code == 413
    settings.MAX_REQUEST_BYTES = 2000
    assert (await web.get("/echo")).text == "0 bytes"


async def test_an_error_in_a_view_is_a_page_without_its_details(web):
    answer = await web.get("/broken")
    assert answer.status_code == 500
    assert "something is wrong here" not in answer.text
