"""Files of the conference: whole, in parts, and only those meant to be served."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from papers.models import Conference

pytestmark = pytest.mark.django_db

FILM = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def film(media_root: Path) -> Path:
    path = media_root / "own" / "talk.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(FILM)
    return path


def get(client, path: str = "/media/own/talk.mp4", **headers: str):
    response = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return response, b"".join(response.streaming_content) if response.streaming else response.content


def test_a_whole_film(client):
    response, body = get(client)
    assert (response.status_code, body) == (200, FILM)
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["Content-Length"] == "1024"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, 1023), ("bytes=10-19", 10, 19), ("bytes=0-0", 0, 0), ("bytes=-5", 1019, 1023),
     ("bytes=1000-5000", 1000, 1023), ("bytes=-5000", 0, 1023), ("bytes = 3 - 4", 3, 4)],
)  # fmt: skip
def test_a_part_of_a_film(client, asked, first, last):
    response, body = get(client, range=asked)
    assert (response.status_code, body) == (206, FILM[first : last + 1])
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert response.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=9999-99999", "bytes=-0"])
def test_a_part_beyond_the_end(client, asked):
    response, body = get(client, range=asked)
    assert (response.status_code, body) == (416, b"")
    assert response.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize("asked", ["bytes=5-4", "bytes=0-1,4-5", "lines=1-2", "bytes=-", "nonsense"])
def test_a_range_that_means_nothing_gets_the_whole(client, asked):
    response, body = get(client, range=asked)
    assert (response.status_code, body) == (200, FILM)


def test_a_film_that_has_not_changed_is_not_sent_again(client, film):
    response, _ = get(client)
    tag, date = response.headers["ETag"], response.headers["Last-Modified"]
    assert get(client, if_none_match=f'"other", {tag}')[0].status_code == 304
    assert get(client, if_modified_since=date)[0].status_code == 304
    assert get(client, if_none_match='"other"')[0].status_code == 200
    assert get(client, range="bytes=0-1", if_range=tag)[0].status_code == 206
    assert get(client, range="bytes=0-1", if_range='"older"')[0].status_code == 200
    film.write_bytes(b"new")
    assert get(client, if_none_match=tag)[1] == b"new"


@pytest.mark.parametrize(
    "path",
    ["own/nothing.mp4", "own", "own/", "../test.sqlite3", "own/../../secret.mp4", "own/%2e%2e/%2e%2e/secret.mp4",
     "own/page.html", "own/.hidden.mp4", "own/talk.mp4/x.mp4", "own/a%00.mp4", f"{'x' * 5000}.mp4", "/etc/passwd",
     "own/link.mp4"],
)  # fmt: skip
def test_nothing_else_is_served(client, media_root, path):
    (media_root.parent / "secret.mp4").write_text("secret")
    (media_root / "own" / "link.mp4").symlink_to(media_root.parent / "secret.mp4")
    (media_root / "own" / "page.html").write_text("<script>")
    (media_root / "own" / ".hidden.mp4").write_text("secret")
    response = client.get(f"/media/{path}")
    assert response.status_code == 404
    assert b"secret</" not in response.content


def test_where_the_site_is_for_members_so_are_its_files(client):
    conference = Conference.current()
    conference.members_only = True
    conference.save()
    response = client.get("/media/own/talk.mp4")
    assert response.status_code == 401
    client.force_login(get_user_model().objects.create_user("a@example.org"))
    assert get(client)[1] == FILM


def test_files_are_only_read(client):
    assert client.post("/media/own/talk.mp4").status_code == 405
