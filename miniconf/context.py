"""What every page shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from papers.models import Conference


def site(request: HttpRequest) -> dict[str, Any]:
    return {"conference": Conference.current()}
