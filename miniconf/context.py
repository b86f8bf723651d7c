"""What every page shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from miniconf.permissions import can_read_site
from miniconf.serving.remembered import remembered
from papers.models import Conference, Page


def site(request: HttpRequest) -> dict[str, Any]:
    """The conference, found once for each request, and the free pages named in the footer."""
    conference = getattr(request, "conference", None) or Conference.current()

    def footer_pages() -> list[Page]:
        if not can_read_site(request.user, conference):
            return []
        return remembered("footer pages", lambda: list(Page.objects.exclude(slug="help").only("slug", "title")[:12]))

    return {
        "conference": conference,
        "footer_pages": SimpleLazyObject(footer_pages),
        # Where mails are kept on a site that sends none.
        "mail_folder": "" if settings.EMAIL_URL else settings.EMAIL_FILE_PATH,
    }
