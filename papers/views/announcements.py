"""The page of all announcements, and what is pinned for a member's own tracks and sessions.

Organizers write them on their own pages, miniconf/announcing.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from miniconf.permissions import can_announce
from papers.announcements import own_items, own_mark, shown
from papers.zones import viewer_zone

from .site import conference_of

ON_A_PAGE = 30


@require_safe
def announcements(request: HttpRequest) -> HttpResponse:
    """What is announced now to everybody, and to members' own tracks and sessions."""
    found = shown(viewer=request.user).select_related("track", "session")
    context = {
        "page": Paginator(found, ON_A_PAGE).get_page(request.GET.get("page")),
        "may_announce": can_announce(request.user),
    }
    with timezone.override(viewer_zone(request, conference_of(request))):
        return render(request, "papers/announcements.html", context)


@never_cache
@login_required
@require_safe
def own_announcements(request: HttpRequest) -> HttpResponse:
    """What is pinned for some only, the member among them, as open pages ask for it."""
    return JsonResponse({"own": own_mark(), "items": own_items(request.user)})
