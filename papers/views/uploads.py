"""Files of a paper: the page for them, the pieces they arrive in (tus 1.0 core), and the plain form."""

from __future__ import annotations

import base64
import binascii
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.permissions import can_edit, is_member
from miniconf.problems import Problem
from papers import uploads
from papers.editing import fields_for
from papers.file_checks import PURPOSES
from papers.models import Edit, Paper

from .site import conference_of

_TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}
RATE = "60/hour"  # files begun by one person


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def paper_files(request: HttpRequest, uid: str) -> HttpResponse:
    """What a paper has, and a form for each kind of file. A POST is the form without scripts: one whole file."""
    paper = get_object_or_404(Paper, uid=uid)
    if not can_edit(request.user, paper):
        raise PermissionDenied("Only its authors and the organizers add files to a paper.")
    problem, status = "", 200
    if request.method == "POST":
        try:
            _post(request, paper)
            return redirect("paper_files", paper.uid)
        except Problem as refused:
            problem, status = refused.detail, refused.status
    allowed = fields_for(request.user, "paper", paper)
    rows = [
        {"name": name, "purpose": purpose, "file": getattr(paper, purpose.field)}
        for name, purpose in PURPOSES.items()
        if purpose.field in allowed
    ]
    waiting = Edit.objects.filter(kind="paper", key=uid, state=Edit.State.WAITING).exists()
    context = {
        "paper": paper,
        "rows": rows,
        "problem": problem,
        "waiting": waiting,
        "whole": settings.MAX_REQUEST_BYTES // 1_000_000,
        "approval": conference_of(request).approve_author_edits,
    }
    return render(request, "papers/files.html", context, status=status)


def _post(request: HttpRequest, paper: Paper) -> None:
    user, purpose = cast(User, request.user), request.POST.get("purpose", "")
    if "remove" in request.POST:
        uploads.remove(user=user, paper=paper, purpose=purpose)
        return
    given = request.FILES.get("file")
    if given is None:
        raise Problem(422, "No file", "Choose a file first.")
    _count(user)
    upload = uploads.begin(user=user, paper_uid=paper.uid, purpose=purpose, name=given.name or "", size=given.size or 0)
    while upload.offset < upload.size:
        piece = _Piece(given, uploads.LARGEST_PIECE)
        upload = uploads.append(user=user, upload_id=upload.pk, offset=upload.offset, content=piece)  # type: ignore[arg-type]
    _say(request, uploads.finish(user=user, upload=upload))


class _Piece:
    """The next bytes of a file, so many at most."""

    def __init__(self, file: object, most: int) -> None:
        self.file, self.left = file, most

    def read(self, size: int) -> bytes:
        data = cast(bytes, self.file.read(min(size, self.left)))  # type: ignore[attr-defined]
        self.left -= len(data)
        return data


def _say(request: HttpRequest, made: Edit | None) -> None:
    if made is not None and made.state == Edit.State.WAITING:
        messages.info(request, "Thank you. It is shown once an organizer has approved it.")


def _count(user: User) -> None:
    if (wait := allow(RATE, "uploads", str(user.pk))) is not None:
        raise Problem(429, "Too many", "You have begun very many uploads.", retry_after=round(wait))


def _member(request: HttpRequest) -> User:
    if not is_member(request.user):
        raise Problem(401, "Sign in", "Please sign in to upload files.")
    return request.user


def _refused(problem: Problem) -> HttpResponse:
    response = JsonResponse({"detail": problem.detail}, status=problem.status, headers=_TUS)
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response


@require_http_methods(["POST"])
def begin_upload(request: HttpRequest) -> HttpResponse:
    """tus "creation": Upload-Length and Upload-Metadata (filename, purpose, paper) make an upload."""
    try:
        user = _member(request)
        _count(user)
        given = _metadata(request.headers.get("Upload-Metadata", ""))
        upload = uploads.begin(
            user=user,
            paper_uid=given.get("paper", ""),
            purpose=given.get("purpose", ""),
            name=given.get("filename", ""),
            size=_number(request.headers.get("Upload-Length", "")),
        )
    except Problem as problem:
        return _refused(problem)
    return HttpResponse(status=201, headers={**_TUS, "Location": reverse("upload", args=[upload.pk])})


@require_http_methods(["HEAD", "PATCH"])
def upload(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """HEAD tells how much is there; PATCH adds a piece. The answer to the last one tells whether approval is awaited."""
    try:
        user = _member(request)
        if request.method == "HEAD":
            found = uploads.find(user=user, upload_id=upload_id)
            offset = found.size if found.finished_as else found.offset
            return HttpResponse(headers={**_TUS, "Upload-Offset": str(offset), "Upload-Length": str(found.size)})
        if request.content_type != "application/offset+octet-stream":
            raise Problem(415, "Wrong type", "application/offset+octet-stream was expected.")
        offset = _number(request.headers.get("Upload-Offset", ""))
        found = uploads.append(user=user, upload_id=upload_id, offset=offset, content=request)  # type: ignore[arg-type]
        headers = {**_TUS, "Upload-Offset": str(found.offset)}
        if found.offset == found.size:
            _say(request, uploads.finish(user=user, upload=found))
    except Problem as problem:
        return _refused(problem)
    return HttpResponse(status=204, headers=headers)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Problem(400, "Bad number", "A whole number was expected in Upload-Length and Upload-Offset.")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """`name base64, name base64` (tus 1.0, Upload-Metadata)."""
    found = {}
    for pair in header.split(",")[:20]:
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise Problem(400, "Bad metadata", f"Upload-Metadata: base64 was expected for {name[:40]}.") from None
    return found
