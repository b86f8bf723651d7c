"""What every page shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from papers.models import Conference, Page


def site(request: HttpRequest) -> dict[str, Any]:
    """The conference, found once for each request, and the free pages named in the footer."""
    conference = getattr(request, "conference", None) or Conference.current()
    return {
        "conference": conference,
        "footer_pages": SimpleLazyObject(lambda: list(Page.objects.exclude(slug="help").only("slug", "title")[:12])),
    }
