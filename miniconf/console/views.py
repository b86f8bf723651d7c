"""The organizers' pages of today and of numbers, and the beacon that counts plays."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from miniconf.permissions import can_see_numbers
from miniconf.serving.same_origin import refuse_other_sites
from papers.models import Paper

from . import numbers
from .charts import bar_chart
from .counting import note_play
from .today import today

DAYS = 14
TOP = 20
CHARTS = {
    "visitors": "Visitors",
    "views": "Views of papers",
    "plays": "Films started",
    "messages": "Messages",
    "questions": "Questions",
    "runs": "Runs of demos",
}


def _check(request: HttpRequest) -> None:
    if not can_see_numbers(request.user):
        raise PermissionDenied("These pages are for organizers.")


@never_cache
@login_required
@require_safe
def today_page(request: HttpRequest) -> HttpResponse:
    _check(request)
    template = "console/today_parts.html" if getattr(request, "htmx", False) else "console/today.html"
    return render(request, template, {"today": today(now()), "now": now()})


@never_cache
@login_required
@require_safe
def numbers_page(request: HttpRequest) -> HttpResponse:
    _check(request)
    asked = request.GET.get("days", "")
    days = numbers.days_up_to(now().date(), int(asked) if asked.isdigit() and len(asked) < 4 else DAYS)
    found = numbers.by_day(days)
    since = datetime.combine(days[0], time(), now().tzinfo)
    papers = list(numbers.of_papers())
    context: dict[str, Any] = {
        "days": len(days),
        "choices": [7, 14, 30, 60],
        "charts": [
            bar_chart(title, [(day.strftime("%-d %b"), value) for day, value in zip(days, found[name], strict=True)])
            for name, title in CHARTS.items()
        ],
        "first_answer": numbers.first_answers(since),
        "run_wait": numbers.run_waits(since),
        "zones": numbers.time_zones(),
        "tracks": numbers.by_track(papers),
        "papers": sorted(papers, key=lambda paper: (-paper["views"], -paper["messages"], paper["title"]))[:TOP],
        "counted": numbers.COUNTED,
    }
    return render(request, "console/numbers.html", context)


@never_cache
@login_required
@require_safe
def numbers_csv(request: HttpRequest, name: str) -> HttpResponse:
    """days.csv or papers.csv: all numbers, for a spreadsheet."""
    _check(request)
    text = io.StringIO()
    writer = csv.writer(text)
    if name == "days":
        days = numbers.days_up_to(now().date(), numbers.MOST_DAYS)
        found = numbers.by_day(days)
        writer.writerow(["day", *found])
        writer.writerows([day.isoformat(), *values] for day, *values in zip(days, *found.values(), strict=True))
    else:
        writer.writerow(["uid", "title", "track", *numbers.COUNTED])
        writer.writerows([_guarded(value) for value in paper.values()] for paper in numbers.of_papers())
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _guarded(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


@csrf_exempt  # of a page that visitors share, which holds no token; it says where it came from instead
@require_POST
def played(request: HttpRequest, uid: str) -> HttpResponse:
    """A film was started. Nothing is known of who it was."""
    refuse_other_sites(request)
    if "\x00" not in uid and Paper.objects.filter(uid=uid).exists():
        note_play(uid)
    return HttpResponse(status=204)
