"""Searching what was said, on a page of its own."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from miniconf.live.registry import LiveError

from .search import LONGEST_QUERY, Results, find_messages
from .titles import titles_of
from .views import number_in


@never_cache  # nothing that is taken away may stay in a page that was kept
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").split())[:LONGEST_QUERY]
    room_key, asked = request.GET.get("room", "")[:200], request.GET.get("asked") == "1"
    problem, results = "", Results([], None, understood=False)
    try:
        before = number_in(request, "before")
        results = find_messages(user=request.user, text=text, room_key=room_key, asked=asked, before=before)
    except ValueError as error:
        problem = str(error)
    except LiveError as error:
        if error.code == "forbidden":
            return redirect_to_login(request.get_full_path())
        if error.code == "no_room":
            raise Http404(error.message) from error
        problem = error.message
    context = {
        "text": text,
        "room": titles_of([room_key]).get(room_key) if room_key else None,
        "asked": asked,
        "results": results,
        "problem": problem,
        "longest": LONGEST_QUERY,
    }
    return render(request, "chat/search.html", context)
