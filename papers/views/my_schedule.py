"""One's own schedule, reminders of it, and what one has missed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from miniconf.permissions import can_see_private, is_member
from papers import zones
from papers.missed import missed_by, read_period
from papers.reminders import CHOICES, set_reminder
from papers.schedule.personal import by_day, entries_of_bookmarks, my_entries, withdrawn_titles

from .site import conference_of

MOST_NAMED = 200  # bookmarks of a visitor in one address


@require_safe
def my_schedule(request: HttpRequest) -> HttpResponse:
    """Members' own schedule; for visitors the frame into which the browser puts theirs."""
    if not is_member(request.user):
        return render(request, "papers/my_schedule.html", {})
    time = now()
    zone = zones.viewer_zone(request, conference_of(request))
    entries = my_entries(request.user)
    context = {
        "entries": entries,
        "coming": by_day((entry for entry in entries if entry.ends_at > time), zone).items(),
        "past": by_day((entry for entry in entries if entry.ends_at <= time), zone).items(),
        "clashing": sum(bool(entry.clashes) for entry in entries if entry.ends_at > time),
        "withdrawn": withdrawn_titles(request.user, time),
        "may_join": can_see_private(request.user),
        "choices": CHOICES,
        "zone": zone.key,
        "now": time,
    }
    return render(request, "papers/my_schedule.html", context)


@require_safe
def bookmarked_entries(request: HttpRequest) -> HttpResponse:
    """The schedule of the bookmarks an address names (`?session=...&event=...&paper=...`), as a piece of a page."""
    uids = {
        kind: [uid for uid in request.GET.getlist(kind)[:MOST_NAMED] if "\0" not in uid]
        for kind in ("session", "event", "paper")
    }
    entries = entries_of_bookmarks(sessions=uids["session"], events=uids["event"], papers=uids["paper"])
    zone = zones.viewer_zone(request, conference_of(request))
    context = {"coming": by_day(entries, zone).items(), "zone": zone.key, "now": now()}
    return render(request, "papers/my_schedule_days.html", context)


@login_required
@require_POST
def reminders(request: HttpRequest) -> HttpResponse:
    """How long before its begin a mail reminds of each session; 0: none."""
    asked = request.POST.get("minutes", "")
    if not is_member(request.user) or asked not in {str(minutes) for minutes, _ in CHOICES}:
        messages.error(request, f"{asked[:20]!r} is none of the choices; the reminder is as it was.")
    else:
        set_reminder(user=request.user, minutes=int(asked))
        text = f"You will get a mail {asked} minutes before each session." if asked != "0" else "You will get no mails."
        messages.success(request, text)
    return redirect(f"{reverse('my_schedule')}#reminders")


@never_cache
@login_required
@require_safe
def missed(request: HttpRequest) -> HttpResponse:
    """What happened since the last visit, in 24 hours, or on a day."""
    if not is_member(request.user):
        return redirect("account_login")
    zone = zones.viewer_zone(request, conference_of(request))
    period = read_period(request.GET, user=request.user, zone=zone, time=now())
    context = {"period": period, "missed": missed_by(request.user, period), "zone": zone.key, "now": now()}
    return render(request, "papers/missed.html", context)
