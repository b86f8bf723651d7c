"""The programme in Django's administration. The search index follows what is saved here (papers/signals.py)."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from .models import (
    Authorship,
    Conference,
    Event,
    Keyword,
    Page,
    Paper,
    Person,
    Presentation,
    Session,
    Sponsor,
    Track,
)


@admin.register(Conference)
class ConferenceAdmin(admin.ModelAdmin[Conference]):
    list_display = ("name", "starts_on", "ends_on", "timezone", "members_only")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one conference, made when it is first asked for."""
        return False


@admin.register(Track)
class TrackAdmin(admin.ModelAdmin[Track]):
    search_fields = ("name",)
    prepopulated_fields = {"slug": ["name"]}  # noqa: RUF012  declared by the base class


@admin.register(Keyword)
class KeywordAdmin(admin.ModelAdmin[Keyword]):
    search_fields = ("name",)


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin[Person]):
    list_display = ("name", "affiliation", "source")
    list_filter = ("source",)
    search_fields = ("name", "affiliation")
    autocomplete_fields = ("user",)
    prepopulated_fields = {"slug": ["name"]}  # noqa: RUF012  declared by the base class


class AuthorshipInline(admin.TabularInline[Authorship, Paper]):
    model = Authorship
    extra = 0
    autocomplete_fields = ("person",)


class PresentationInline(admin.TabularInline[Presentation, Session]):
    model = Presentation
    extra = 0
    autocomplete_fields = ("paper", "session")


@admin.register(Paper)
class PaperAdmin(admin.ModelAdmin[Paper]):
    list_display = ("uid", "title", "track", "highlighted", "source", "withdrawn_at")
    list_filter = ("source", "track", "highlighted", ("withdrawn_at", admin.EmptyFieldListFilter))
    search_fields = ("uid", "title", "authorships__person__name")
    autocomplete_fields = ("track", "keywords")
    inlines = (AuthorshipInline,)


@admin.register(Event)
class EventAdmin(admin.ModelAdmin[Event]):
    list_display = ("title", "kind", "source", "withdrawn_at")
    list_filter = ("kind", "source")
    search_fields = ("uid", "title")
    autocomplete_fields = ("people",)


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin[Session]):
    list_display = ("title", "kind", "starts_at", "ends_at", "room", "source", "withdrawn_at")
    list_filter = ("kind", "source")
    search_fields = ("uid", "title")
    autocomplete_fields = ("track", "event")
    inlines = (PresentationInline,)


@admin.register(Presentation)
class PresentationAdmin(admin.ModelAdmin[Presentation]):
    list_display = ("paper", "session", "position")
    autocomplete_fields = ("paper", "session")
    list_select_related = ("paper", "session")


@admin.register(Sponsor)
class SponsorAdmin(admin.ModelAdmin[Sponsor]):
    list_display = ("name", "level", "position", "source")


@admin.register(Page)
class PageAdmin(admin.ModelAdmin[Page]):
    list_display = ("title", "slug", "position", "source")
    prepopulated_fields = {"slug": ["title"]}  # noqa: RUF012  declared by the base class
