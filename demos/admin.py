"""Demos and runs on Django's admin pages: demos are edited there, runs are records and only looked at."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest

from .models import Demo, Run


@admin.register(Demo)
class DemoAdmin(admin.ModelAdmin[Demo]):
    list_display = ("title", "slug", "kind", "model", "paper", "position", "enabled")
    list_editable: ClassVar = ["position", "enabled"]
    list_filter: ClassVar = ["kind", "enabled", "source"]
    list_select_related: ClassVar = ["paper"]
    search_fields: ClassVar = ["title", "slug", "model", "paper__title", "paper__uid"]
    raw_id_fields: ClassVar = ["paper"]
    prepopulated_fields: ClassVar = {"slug": ["title"]}


@admin.register(Run)
class RunAdmin(admin.ModelAdmin[Run]):
    list_display = ("id", "demo", "state", "user", "worker", "attempts", "created_at", "finished_at")
    list_filter: ClassVar = ["state", "demo"]
    list_select_related: ClassVar = ["demo", "user"]
    date_hierarchy = "created_at"
    search_fields: ClassVar = ["id", "worker"]
    exclude: ClassVar = ["visitor"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False
