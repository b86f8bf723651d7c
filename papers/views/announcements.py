"""The page of all announcements, on which organizers also write, change and remove them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from miniconf.permissions import can_announce
from papers.announcements import shown, tell
from papers.models import Announcement
from papers.zones import viewer_zone

from .site import conference_of

ON_A_PAGE = 30
LONGEST_BODY = 10_000


class AnnouncementForm(forms.ModelForm[Announcement]):
    """Times are those of the organizer's zone, which the page names."""

    class Meta:
        model = Announcement
        fields: ClassVar = ["title", "body", "pinned", "published_at", "ends_at"]
        labels: ClassVar = {
            "body": "Text",
            "pinned": "Show it above every page",
            "published_at": "From",
            "ends_at": "Until",
        }
        help_texts: ClassVar = {
            "body": "Markdown; may stay empty.",
            "pinned": "",
            "published_at": "Blank: now.",
            "ends_at": "Blank: until it is removed.",
        }
        widgets: ClassVar = {
            "title": forms.TextInput(attrs={"autocomplete": "off"}),
            "body": forms.Textarea(attrs={"rows": 4, "maxlength": LONGEST_BODY}),
            "published_at": forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
            "ends_at": forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["published_at"].required = False

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"].replace("\r\n", "\n").strip()
        if len(body) > LONGEST_BODY:
            raise forms.ValidationError(f"The text has at most {LONGEST_BODY} characters; this one has {len(body)}.")
        return body

    def clean_published_at(self) -> dt.datetime:
        return self.cleaned_data["published_at"] or self.instance.published_at or timezone.now()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("published_at"), cleaned.get("ends_at")
        if start and end and end <= start:
            self.add_error("ends_at", "It would end before it begins.")
        return cleaned


def _zone(request: HttpRequest) -> ZoneInfo:
    return viewer_zone(request, conference_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
def announcements(request: HttpRequest) -> HttpResponse:
    """What is announced now; organizers also see what is to come and what is over, and write here."""
    may_announce = can_announce(request.user)
    if request.method == "POST":
        return _save(request, None)
    with timezone.override(_zone(request)):
        return _page(request, AnnouncementForm() if may_announce else None)


@require_http_methods(["GET", "HEAD", "POST"])
def announcement(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one."""
    if not can_announce(request.user):
        raise PermissionDenied("Announcements are written by organizers.")
    found = get_object_or_404(Announcement, pk=pk)
    if request.method == "POST":
        return _save(request, found)
    with timezone.override(_zone(request)):
        return _page(request, AnnouncementForm(instance=found), editing=found)


@require_POST
def remove_announcement(request: HttpRequest, pk: int) -> HttpResponse:
    if not can_announce(request.user):
        raise PermissionDenied("Announcements are removed by organizers.")
    found = get_object_or_404(Announcement, pk=pk)
    with transaction.atomic():
        found.delete()
        transaction.on_commit(tell)
    messages.success(request, f"The announcement “{found.title}” is removed.")
    return redirect("announcements")


def _save(request: HttpRequest, found: Announcement | None) -> HttpResponse:
    if not can_announce(request.user):
        raise PermissionDenied("Announcements are written by organizers.")
    with timezone.override(_zone(request)):
        form = AnnouncementForm(request.POST, instance=found)
        if not form.is_valid():
            # As it was, not as the form has left it.
            editing = Announcement.objects.get(pk=found.pk) if found else None
            return _page(request, form, editing=editing, status=422)
    with transaction.atomic():
        saved = form.save(commit=False)
        if saved.author_id is None:
            saved.author = request.user
        saved.save()
        transaction.on_commit(tell)
    messages.success(request, f"“{saved.title}” is {'changed' if found else 'announced'}.")
    return redirect("announcements")


def _page(
    request: HttpRequest,
    form: AnnouncementForm | None,
    *,
    editing: Announcement | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    organizer = form is not None
    found = Announcement.objects.order_by("-published_at", "-pk") if organizer else shown(now)
    context = {
        "page": Paginator(found, ON_A_PAGE).get_page(request.GET.get("page")),
        "form": form,
        "editing": editing,
        "zone": _zone(request).key,
        "now": now,
    }
    return render(request, "papers/announcements.html", context, status=status)
