from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth import SESSION_KEY, get_user_model
from django.db.models.signals import post_delete, post_save
from django.utils.module_loading import autodiscover_modules

from .access import access_changed


class LiveConfig(AppConfig):
    name = "miniconf.live"
    label = "live"

    def ready(self) -> None:
        autodiscover_modules("live")  # each app's live.py registers its topics and commands
        user = get_user_model()
        post_save.connect(_account_changed, sender=user)
        post_delete.connect(_account_changed, sender=user)
        post_delete.connect(_session_ended, sender=apps.get_model("sessions", "Session"))
        post_delete.connect(_token_deleted, sender=apps.get_model("accounts", "ApiToken"))
        post_save.connect(_site_changed, sender=apps.get_model("papers", "Conference"))


def _account_changed(instance: Any, created: bool = False, update_fields: Any = None, **_: Any) -> None:
    if not created and update_fields != frozenset({"last_login"}):
        access_changed([instance.pk])


def _session_ended(instance: Any, **_: Any) -> None:
    # Django's own signal of signing out comes while the session still holds.
    if user := instance.get_decoded().get(SESSION_KEY):
        access_changed([int(user)])


def _token_deleted(instance: Any, **_: Any) -> None:
    access_changed([instance.user_id])


def _site_changed(**_: Any) -> None:
    access_changed()
