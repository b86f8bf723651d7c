"""Who is banned, or no longer, is asked again on every open connection whether they may follow what they follow."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save

from miniconf.live.access import access_changed

from .models import Sanction


def connect() -> None:
    post_save.connect(_sanction_changed, sender=Sanction)
    post_delete.connect(_sanction_changed, sender=Sanction)


def _sanction_changed(instance: Sanction, **_: Any) -> None:
    if instance.kind == Sanction.Kind.BAN:
        access_changed([instance.user_id])
