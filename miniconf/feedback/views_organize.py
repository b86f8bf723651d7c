"""The organizers' pages of feedback: what was answered where, and the questions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_safe

from miniconf.guards import me, only_for
from miniconf.permissions import can_change_settings
from papers.models import Session
from papers.queries import visible_sessions

from . import results, setting
from .answering import CONFERENCE, SESSIONS
from .forms import QuestionForms, SwitchForm
from .models import FeedbackForm, FeedbackResponse

organizers_only = only_for(can_change_settings, "These pages are for organizers.")
ON_A_PAGE = 100


@organizers_only
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    forms = {form.key: form for form in FeedbackForm.objects.all()}
    counted = results.by_session()
    begun = (
        visible_sessions().filter(starts_at__lte=now()).exclude(kind=Session.Kind.BREAK).order_by("-starts_at", "pk")
    )
    page = Paginator(begun, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "conference_form": forms.get(CONFERENCE),
        "sessions_form": forms.get(SESSIONS),
        "conference_count": FeedbackResponse.objects.filter(target=CONFERENCE).count(),
        "page": page,
        "rows": [(session, counted.get(session.uid), forms.get(f"session:{session.uid}")) for session in page],
        "total": sum(row["responses"] for row in counted.values()),
    }
    return render(request, "feedback/overview.html", context)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def questions(request: HttpRequest, which: str) -> HttpResponse:
    return _questions(request, which, None)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def own_questions(request: HttpRequest, uid: str) -> HttpResponse:
    """Those of one session."""
    session = get_object_or_404(Session, uid=uid, withdrawn_at=None)
    key = f"session:{uid}"
    if request.method == "POST" and request.POST.get("action") == "like-the-others":
        try:
            setting.like_the_others(key=key, by=me(request))
        except setting.FixedNow as fixed:
            messages.error(request, str(fixed))
            return redirect("feedback_own_questions", uid)
        messages.success(request, "This session has the questions of all sessions.")
        return redirect("organize_feedback")
    return _questions(request, key, session)


def _questions(request: HttpRequest, key: str, session: Session | None) -> HttpResponse:
    form = FeedbackForm.objects.filter(key=key).first()
    # A session's own questions begin as a copy of those of all sessions.
    like = form or (FeedbackForm.objects.filter(key=SESSIONS).first() if session else None)
    present = setting.initial_questions(like, key)
    if form is None:
        present = [{name: value for name, value in one.items() if name != "pk"} for one in present]
    switch_on: dict[str, Any] = {
        "is_on": bool(form and form.is_on),
        "anonymous": "yes" if like is None or like.anonymous else "no",
        "intro": like.intro if like else "",
    }
    data = request.POST if request.method == "POST" else None
    switch, lines = SwitchForm(data, initial=switch_on), QuestionForms(data, initial=present, prefix="q")
    status = 200
    if data is not None:
        status = 422
        if switch.is_valid() and lines.is_valid():
            try:
                setting.save(
                    key=key, switch=switch.cleaned_data, questions=[_values(line) for line in lines], by=me(request)
                )
            except setting.FixedNow as fixed:
                switch.add_error(None, str(fixed))
            else:
                messages.success(request, "Saved.")
                return redirect(request.path)
    context = {
        "form": form,
        "key": key,
        "session": session,
        "switch": switch,
        "lines": lines,
        "answered": form.responses.count() if form else 0,
        "results_url": (
            reverse("session_feedback_results", args=[session.uid])
            if session
            else reverse("feedback_results")
            if key == CONFERENCE
            else ""
        ),
    }
    return render(request, "feedback/questions.html", context, status=status)


def _values(line: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"pk": None, "text": "", "kind": "", "options": [], "required": False, "remove": False}
    return {**empty, **line.cleaned_data}
