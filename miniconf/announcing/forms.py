"""Writing an announcement: what it says, to whom, from when until when, and whether it is mailed."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from papers.models import Announcement, Session, Track

LONGEST_BODY = 10_000
MOST_CHOICES = 2000  # tracks, and sessions
EVERYBODY = ""


def _target_of(announcement: Announcement) -> str:
    """As the field `audience` has it: "", "track:3", "session:17"."""
    if announcement.session_id is not None:
        return f"session:{announcement.session_id}"
    return f"track:{announcement.track_id}" if announcement.track_id is not None else EVERYBODY


def _audiences(zone: dt.tzinfo, also: Announcement) -> list[Any]:
    """Everybody, tracks, and sessions in the order of time; withdrawn ones, too: that is what people must be told."""
    tracks = [(f"track:{pk}", name) for pk, name in Track.objects.values_list("pk", "name")[:MOST_CHOICES]]
    sessions = Session.objects.order_by("starts_at", "title").values_list("pk", "title", "starts_at")[:MOST_CHOICES]
    listed = [(f"session:{pk}", f"{at.astimezone(zone):%a %-d %b, %H:%M} {title}") for pk, title, at in sessions]
    own = _target_of(also)
    if also.session is not None and own not in dict(listed):
        listed.append((own, also.session.title))
    return [
        (EVERYBODY, "Everybody"),
        *([("Who has to do with a track", tracks)] if tracks else []),
        *([("Who has a session on their schedule", listed)] if listed else []),
    ]


class AnnouncementForm(forms.ModelForm[Announcement]):
    """Times are those of the organizer's zone, which the page names. Once mails go out, neither whom it is for nor that it
    is mailed can be changed."""

    audience = forms.ChoiceField(required=False, label="To")

    class Meta:
        model = Announcement
        fields: ClassVar = ["title", "body", "pinned", "published_at", "ends_at", "by_email"]
        labels: ClassVar = {
            "body": "Text",
            "pinned": "Show it above every page",
            "published_at": "From",
            "ends_at": "Until",
            "by_email": "Mail it as well",
        }
        help_texts: ClassVar = {
            "body": "Markdown; may stay empty.",
            "pinned": "",
            "published_at": "Blank: now.",
            "ends_at": "Blank: until it is removed.",
            "by_email": "",
        }
        widgets: ClassVar = {
            "title": forms.TextInput(attrs={"autocomplete": "off"}),
            "body": forms.Textarea(attrs={"rows": 5, "maxlength": LONGEST_BODY}),
            "published_at": forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
            "ends_at": forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        }

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["published_at"].required = False
        audience = self.fields["audience"]
        assert isinstance(audience, forms.ChoiceField)
        audience.choices = _audiences(zone, self.instance)
        self.initial["audience"] = _target_of(self.instance)
        if self.instance.mails_listed_at is not None:
            self.fields["audience"].disabled = self.fields["by_email"].disabled = True

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
        kind, _, pk = (cleaned.get("audience") or EVERYBODY).partition(":")
        self.instance.track_id = int(pk) if kind == "track" else None
        self.instance.session_id = int(pk) if kind == "session" else None
        return cleaned
