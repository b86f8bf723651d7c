"""The author's desk: open questions on all of one's papers, answered in place."""

from __future__ import annotations

from typing import cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.live.registry import LiveError

from .desk import MOST_ANSWERED, MOST_OPEN, MOST_PAPERS, answer, desk, papers_for
from .services import LONGEST_TEXT

STATUS = {"rate_limited": 429, "slow_mode": 429, "forbidden": 403, "no_message": 404, "client_id_used": 409}


@never_cache
@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, request.GET.get("paper", ""))


@never_cache
@login_required
@require_POST
def answer_question(request: HttpRequest, pk: int) -> HttpResponse:
    uid, text = request.POST.get("paper", ""), request.POST.get("text", "")
    try:
        client_id = UUID(request.POST.get("client_id", ""))
    except ValueError:
        client_id = uuid4()
    try:
        if request.POST.get("how") != "marked" and not text.strip():
            raise LiveError("empty", "An answer needs some text; “Mark as answered” needs none.")
        answer(
            user=request.user,
            question=pk,
            text="" if request.POST.get("how") == "marked" else text,
            client_id=client_id,
        )
    except LiveError as error:
        if error.code == "no_message":
            raise Http404(error.message) from error
        failed = {"pk": pk, "text": text, "client_id": client_id, "error": error.message}
        return _page(request, uid, failed=failed, status=STATUS.get(error.code, 400))
    messages.success(request, "The question is answered.")
    return redirect(reverse("desk") + (f"?{urlencode({'paper': uid})}" if uid else ""))


def _page(
    request: HttpRequest, uid: str, *, failed: dict[str, object] | None = None, status: int = 200
) -> HttpResponse:
    """`failed` is the answer that was not taken: its form keeps the text and says why."""
    papers = papers_for(cast(User, request.user), uid)
    if uid and not papers:
        raise Http404("There is no such paper, or it is not yours.")
    entries = desk(papers)
    context = {
        "entries": entries,
        "asked_for": uid,
        "failed": failed,
        "open_count": sum(entry.open_count for entry in entries),
        "left_out": sum(entry.open_count - len(entry.open) for entry in entries),
        "more_papers": len(papers) == MOST_PAPERS,
        "most": {"open": MOST_OPEN, "answered": MOST_ANSWERED},
        "longest_text": LONGEST_TEXT,
    }
    return render(request, "chat/desk.html", context, status=status)
