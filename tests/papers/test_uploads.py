"""Files of a paper: pieces, checks by content, who may, approval, and the page that shows them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pypdfium2
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from miniconf.accounts.models import User
from papers import uploads
from papers.models import Authorship, Conference, Edit, Paper, Person, Upload

pytestmark = pytest.mark.django_db
PIECE = "application/offset+octet-stream"


@pytest.fixture
def paper(client: Client) -> Paper:
    """A paper whose author is signed in."""
    author = User.objects.create_user("a@example.org", name="Ada")
    paper = Paper.objects.create(uid="P1", title="First")
    Authorship.objects.create(
        paper=paper, person=Person.objects.create(slug="ada", name="Ada", user=author), position=1
    )
    client.force_login(author)
    return paper


def pdf(pages: int = 1) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(300, 200)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "teal").save(target, kind)
    return target.getvalue()


def begin(client: Client, size: int, purpose: str = "poster", name: str = "a.pdf", paper: str = "P1"):
    pairs = {"filename": name, "purpose": purpose, "paper": paper}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    return client.post("/uploads/", headers={"Upload-Length": str(size), "Upload-Metadata": metadata})


def send(client: Client, address: str, offset: int, data: bytes):
    return client.patch(address, data, content_type=PIECE, headers={"Upload-Offset": str(offset)})


def media(paper: Paper, field: str) -> Path:
    paper.refresh_from_db()
    return Path(settings.MEDIA_ROOT, getattr(paper, field))


def test_a_poster_arrives_in_pieces_and_is_shown_in_the_page(client, paper):
    data = pdf()
    started = begin(client, len(data))
    assert started.status_code == 201
    address = started["Location"]
    assert send(client, address, 0, data[:100])["Upload-Offset"] == "100"
    head = client.head(address)
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("100", str(len(data)))
    assert send(client, address, 100, data[100:]).status_code == 204
    stored = media(paper, "poster_file")
    assert stored.read_bytes() == data
    assert stored.with_name(f"{stored.name}.webp").exists()
    page = client.get("/papers/P1/").content.decode()
    assert f'src="/media/{paper.poster_file}.webp"' in page
    shown = client.get(f"/media/{paper.poster_file}")
    assert (shown["Content-Type"], shown["X-Frame-Options"]) == ("application/pdf", "SAMEORIGIN")


def test_a_piece_at_the_wrong_place_is_refused_and_changes_nothing(client, paper):
    address = begin(client, 1000)["Location"]
    send(client, address, 0, b"x" * 10)
    refused = send(client, address, 5, b"y" * 10)
    assert (refused.status_code, refused.json()["detail"]) == (409, "The next piece begins at 10.")
    assert client.head(address)["Upload-Offset"] == "10"


def test_more_than_was_announced_is_refused(client, paper):
    address = begin(client, 10)["Location"]
    assert send(client, address, 0, b"x" * 11).status_code == 413
    assert client.head(address)["Upload-Offset"] == "0"


def test_what_a_broken_piece_left_behind_is_written_over(client, paper):
    data = pdf()
    address = begin(client, len(data))["Location"]
    path = uploads.path_of(Upload.objects.get())
    path.write_bytes(b"left behind by a piece that was never counted")
    send(client, address, 0, data)
    assert media(paper, "poster_file").read_bytes() == data


def test_a_picture_is_written_anew_without_what_is_no_picture(client, paper):
    data = picture() + b"<script>alert(1)</script>"
    send(client, begin(client, len(data), "picture", "a.png")["Location"], 0, data)
    stored = media(paper, "thumbnail_file")
    assert stored.suffix == ".webp"
    assert b"script" not in stored.read_bytes()
    with Image.open(stored) as kept:
        assert kept.size == (40, 30)


@pytest.mark.parametrize(
    ("purpose", "data", "said"),
    [
        ("poster", b"<html>not a pdf</html>", "a PDF was expected"),
        ("poster", b"%PDF-1.7 broken", "a PDF that can be opened without a password was expected"),
        ("slides", pdf(401), "1 to 400 pages were expected; these are 401"),
        ("picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a PNG, JPEG, WebP or GIF picture was expected"),
        ("picture", picture()[:60], "a picture that can be opened was expected; this one is damaged"),
        ("video", b"MZ" + b"\0" * 200, "an MP4 or WebM video was expected"),
        ("captions", b"1\n00:00 hello", "captions in the WebVTT format were expected"),
        ("captions", b"WEBVTT\n\n00:00.000 --> 00:01.000\n\xff", "captions in UTF-8 were expected"),
    ],
    ids=["html", "broken pdf", "many pages", "svg", "cut off", "program", "no webvtt", "latin-1"],
)
def test_what_is_not_what_it_says_is_refused_by_its_content(client, paper, purpose, data, said):
    refused = send(client, begin(client, len(data), purpose)["Location"], 0, data)
    assert refused.status_code == 422
    assert said in refused.json()["detail"]
    assert not Upload.objects.exists()
    assert not Edit.objects.exists()


@pytest.mark.parametrize(
    ("size", "purpose", "uid", "status"),
    [
        (0, "poster", "P1", 422),
        (50_000_001, "poster", "P1", 413),
        (10, "malware", "P1", 422),
        (10, "poster", "no", 404),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(client, paper, size, purpose, uid, status):
    assert begin(client, size, purpose, paper=uid).status_code == status
    assert not Upload.objects.exists()


def test_numbers_and_metadata_that_are_none_are_refused(client, paper):
    assert client.post("/uploads/", headers={"Upload-Length": "-1"}).status_code == 400
    assert client.post("/uploads/", headers={"Upload-Length": "1", "Upload-Metadata": "paper ???"}).status_code == 400


def test_only_the_paper_s_people_upload(client, paper):
    address = begin(client, 100)["Location"]
    client.force_login(User.objects.create_user("x@example.org"))
    assert begin(client, 100).status_code == 403
    assert client.head(address).status_code == 404
    assert send(client, address, 0, b"x").status_code == 404
    assert client.get("/papers/P1/files/").status_code == 403
    client.logout()
    assert begin(client, 100).status_code == 401


def test_uploads_at_once_are_bounded(client, paper):
    assert [begin(client, 100).status_code for _ in range(uploads.AT_ONCE + 1)] == [201] * uploads.AT_ONCE + [429]


def test_where_organizers_approve_a_file_waits_too(client, paper):
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"approve_author_edits": True})
    data = pdf()
    send(client, begin(client, len(data))["Location"], 0, data)
    paper.refresh_from_db()
    assert paper.poster_file == ""
    assert Edit.objects.get(state="waiting").after["poster_file"].endswith(".pdf")


def test_without_scripts_a_whole_file_is_sent_and_can_be_removed(client, paper):
    assert "Add it" in client.get("/papers/P1/files/").content.decode()
    sent = client.post("/papers/P1/files/", {"purpose": "slides", "file": SimpleUploadedFile("s.pdf", pdf(3))})
    assert sent.status_code == 302
    assert media(paper, "slides_file").exists()
    bad = client.post("/papers/P1/files/", {"purpose": "slides", "file": SimpleUploadedFile("s.pdf", b"x")})
    assert (bad.status_code, "s.pdf: a PDF was expected." in bad.content.decode()) == (422, True)
    client.post("/papers/P1/files/", {"purpose": "slides", "remove": "1"})
    paper.refresh_from_db()
    assert paper.slides_file == ""


def test_unfinished_uploads_are_forgotten(client, paper):
    begin(client, 100)
    path = uploads.path_of(Upload.objects.get())
    Upload.objects.update(updated_at="2020-01-01T00:00:00Z")
    assert uploads.forget_unfinished() == 1
    assert not path.exists()
