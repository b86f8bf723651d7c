"""Accounts in Django's admin, which is entered by the site's own sign-in: there are no passwords."""

from __future__ import annotations

from typing import ClassVar

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest

from .models import ApiToken, User

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ("email", "name", "affiliation", "is_organizer", "is_active", "last_login")
    list_filter: ClassVar = ["is_organizer", "is_staff", "is_active"]
    search_fields: ClassVar = ["email", "name", "affiliation"]
    readonly_fields: ClassVar = ["public_id", "last_login", "date_joined"]
    fieldsets: ClassVar = [
        (None, {"fields": ["email", "name", "affiliation", "timezone", "public_id"]}),
        ("Rights", {"fields": ["is_active", "is_organizer", "is_staff", "is_superuser", "groups"]}),
        ("Times", {"fields": ["last_login", "date_joined"]}),
    ]
    filter_horizontal: ClassVar = ["groups"]

    def save_model(self, request: HttpRequest, obj: User, form: object, change: bool) -> None:
        obj.email = obj.email.lower()
        if not obj.password:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens can be revoked here; they are made on the profile page or by `manage.py create_token`."""

    list_display = ("user", "name", "hint", "created_at", "last_used_at")
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["user__email", "name"]
    readonly_fields: ClassVar = ["user", "name", "hint", "created_at", "last_used_at"]
    exclude: ClassVar = ["digest"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
