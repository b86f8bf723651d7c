"""Who may see these pages, and what all of them say."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest

from miniconf.guards import only_for
from miniconf.permissions import can_change_settings

organizers_only = only_for(can_change_settings, "These pages are for organizers.")


def say(request: HttpRequest, changed: bool) -> None:
    if changed:
        messages.success(request, "Saved.")
    else:
        messages.info(request, "Nothing was changed.")
