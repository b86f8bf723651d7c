"""Organizers write announcements, see how they look and whom they reach, and how their mails get on."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.mail_choices import ANNOUNCEMENT, unsubscribe_address
from miniconf.guards import me, only_for
from miniconf.mail_texts import compose, find
from miniconf.people.record import record
from miniconf.permissions import can_announce
from papers.announcements import tell
from papers.audiences import name_of, people_of
from papers.models import Announcement, Conference
from papers.zones import viewer_zone

from . import mailing
from .forms import AnnouncementForm
from .tasks import send_announcements

ON_A_PAGE = 30
SHOWN_FAILURES = 50

organizers_only = only_for(can_announce, "Announcements are written by organizers.")


def _zone(request: HttpRequest) -> ZoneInfo:
    return viewer_zone(request, getattr(request, "conference", None) or Conference.current())


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def announcements(request: HttpRequest) -> HttpResponse:
    """All of them, also what is to come and what is over; a new one is written here."""
    return _written(request, None)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def announcement(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one, and see how its mails get on."""
    return _written(request, get_object_or_404(Announcement.objects.select_related("track", "session"), pk=pk))


def _written(request: HttpRequest, found: Announcement | None) -> HttpResponse:
    zone = _zone(request)
    with timezone.override(zone):
        if request.method != "POST":
            return _page(request, AnnouncementForm(instance=found, zone=zone), found)
        form = AnnouncementForm(request.POST, instance=found, zone=zone)
        # As it is kept, not as the form has left it.
        before = Announcement.objects.select_related("track", "session").get(pk=found.pk) if found else None
        if not form.is_valid():
            return _page(request, form, before, status=422)
        if "preview" in request.POST:
            return _page(request, form, before, preview=_preview(request, form.instance))
    _save(request, form, before)
    return redirect("organize_announcements")


def _save(request: HttpRequest, form: AnnouncementForm, before: Announcement | None) -> None:
    with transaction.atomic():
        saved = form.save(commit=False)
        if before is not None:
            now_listed = Announcement.objects.select_for_update().get(pk=before.pk)
            if now_listed.mails_listed_at is not None:
                # Its mails began while the form was open.
                for name in ("mails_listed_at", "track_id", "session_id", "by_email"):
                    setattr(saved, name, getattr(now_listed, name))
        if saved.author_id is None:
            saved.author = me(request)
        saved.save()
        record(me(request), f"{'changed an announcement' if before else 'announced'} to {name_of(saved)}", saved.title)
        transaction.on_commit(tell)
    if saved.by_email and saved.mails_listed_at is None and saved.published_at <= timezone.now():
        send_announcements.delay()
    said = "changed" if before else "announced" if saved.published_at <= timezone.now() else "planned"
    messages.success(request, f"“{saved.title}” is {said}.")


def _preview(request: HttpRequest, written: Announcement) -> dict[str, Any]:
    """How it looks, whom it reaches, and the mail."""
    text = find("announcement")
    mail = None
    if written.by_email and text is not None:
        user = me(request)
        context = {
            "announcement": written,
            "name": user.name,
            "unsubscribe": unsubscribe_address(user, [ANNOUNCEMENT]),
        }
        mail = compose(text, context)
    reached = people_of(written).count()
    mailed = mailing.who_gets_mail(written).count() if written.by_email else 0
    return {
        "announcement": written,
        "audience": name_of(written),
        "reached": reached,
        "mailed": mailed,
        "unwilling": reached - mailed,
        "mail": mail,
        "later": written.published_at > timezone.now(),
    }


def _page(
    request: HttpRequest,
    form: AnnouncementForm,
    editing: Announcement | None,
    *,
    preview: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "editing": editing, "zone": _zone(request).key, "preview": preview}
    if editing is None:
        rows = Announcement.objects.select_related("track", "session").order_by("-published_at", "-pk")
        page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
        context |= {
            "page": page,
            "rows": [(row, name_of(row), mailing.counts(row) if row.by_email else None) for row in page],
            "now": timezone.now(),
        }
    else:
        context |= _progress(editing)
    return render(
        request, "announcing/announcement.html" if editing else "announcing/announcements.html", context, status=status
    )


def _progress(announcement: Announcement) -> dict[str, Any]:
    counts = mailing.counts(announcement)
    failures = announcement.mails.filter(state__in=("failed", "unsure")).select_related("user")
    trouble = announcement.mails.filter(due=True).exclude(error="").values_list("error", flat=True).first()
    return {
        "announcement": announcement,
        "audience": name_of(announcement),
        "counts": counts,
        "tried": counts["total"] - counts["waiting"] - counts["sending"],
        "moving": counts["due"] + counts["sending"],
        "failures": failures[:SHOWN_FAILURES],
        "trouble": trouble,
    }


@organizers_only
@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Announcement.objects.select_related("track", "session"), pk=pk)
    return render(request, "announcing/progress.html", _progress(found))


@organizers_only
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Mails of it that have not gone out never will."""
    found = get_object_or_404(Announcement, pk=pk)
    with transaction.atomic():
        record(me(request), "removed an announcement", found.title)
        found.delete()
        transaction.on_commit(tell)
    messages.success(request, f"The announcement “{found.title}” is removed.")
    return redirect("organize_announcements")


@organizers_only
@require_POST
def mails(request: HttpRequest, pk: int, which: str) -> HttpResponse:
    """Stop its mails, or send those that were stopped, refused, or may not have gone out."""
    found = get_object_or_404(Announcement, pk=pk)
    if which == "stop":
        count = mailing.stop(found)
        record(me(request), f"stopped {count} mails of an announcement", found.title)
    else:
        count = mailing.send_again(found, which)
        record(me(request), f"had {count} mails of an announcement sent again", found.title)
        send_announcements.delay()
    return redirect("announcement", found.pk)
