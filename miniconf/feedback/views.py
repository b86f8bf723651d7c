"""Members answer; organizers, and chairs for their sessions, see what it adds up to."""

from __future__ import annotations

import csv
import io

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from miniconf.guards import me
from miniconf.permissions import can_give_feedback, can_see_feedback
from papers.models import Session

from . import answering, results
from .answering import NotAsked, Target
from .forms import AnswerForm


def target_of(uid: str | None) -> Target:
    """Raises Http404."""
    return Target(None if uid is None else get_object_or_404(Session, uid=uid, withdrawn_at=None))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, uid: str | None) -> HttpResponse:
    if not can_give_feedback(request.user):
        raise PermissionDenied("Feedback is for members.")
    target = target_of(uid)
    if answering.form_of(target) is None:
        raise Http404("No feedback is asked for here.")
    try:
        form, questions = answering.open_form(target)
    except NotAsked as closed:
        return render(request, "feedback/closed.html", {"target": target, "why": str(closed)})
    mine = answering.response_of(target, me(request))
    if request.method == "POST" and request.POST.get("action") == "take-back":
        if answering.take_back(target=target, user=me(request)):
            messages.success(request, "Your feedback was deleted.")
        return redirect(target.url)
    answers = AnswerForm(
        request.POST if request.method == "POST" else None, questions=questions, given=answering.given(mine)
    )
    if request.method == "POST" and answers.is_valid():
        answering.keep(target=target, user=me(request), answers=answers.answers())
        messages.success(request, "Thank you. You can change what you said as long as feedback is open.")
        return redirect(target.url)
    context = {"target": target, "form": form, "answers": answers, "mine": mine, "fewest": results.FEWEST_SHOWN}
    return render(request, "feedback/give.html", context, status=422 if answers.errors else 200)


def _visible(request: HttpRequest, uid: str | None) -> Target:
    target = target_of(uid)
    if not can_see_feedback(request.user, target.session):
        raise PermissionDenied("What people said is for organizers and the session's chairs.")
    return target


@never_cache
@login_required
@require_safe
def results_page(request: HttpRequest, uid: str | None) -> HttpResponse:
    found = results.results_of(_visible(request, uid))
    return render(request, "feedback/results.html", {"results": found, "fewest": results.FEWEST_SHOWN})


@never_cache
@login_required
@require_safe
def results_table(request: HttpRequest, uid: str | None) -> HttpResponse:
    """Each response as a row, for a spreadsheet."""
    text = io.StringIO()
    csv.writer(text).writerows(results.table_of(_visible(request, uid)))
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="feedback.csv"'
    return answer
