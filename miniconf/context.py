"""What every page shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from papers.models import Conference


def site(request: HttpRequest) -> dict[str, Any]:
    """The conference, found once for each request."""
    conference = getattr(request, "conference", None) or Conference.current()
    return {
        "conference": conference,
        # Where mails are kept on a site that sends none.
        "mail_folder": "" if settings.EMAIL_URL else settings.EMAIL_FILE_PATH,
    }
