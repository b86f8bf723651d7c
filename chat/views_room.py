"""What the buttons on messages do without a script, and the screen of a Q&A session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from miniconf.live import Event
from miniconf.live.registry import LiveError
from miniconf.permissions import can_moderate_room

from . import changes
from .models import Room
from .panel import lines_of
from .questions import count_questions, list_questions
from .views import STATUS, back_to, opened

# name of the button -> what its value ("977 on 👍": message, whether on or off, more) does
_ACTS: dict[str, Callable[[Any, int, bool, str], Event]] = {
    "vote": lambda user, pk, on, _: changes.vote(user=user, message_id=pk, on=on),
    "react": lambda user, pk, on, emoji: changes.react(user=user, message_id=pk, emoji=emoji, on=on),
    "answered": lambda user, pk, on, _: changes.mark_answered(user=user, message_id=pk, on=on),
    "live": lambda user, pk, on, _: changes.mark_answered(user=user, message_id=pk, live=True, on=on),
}
SCREEN_SHOWS = 30


@require_POST
def act(request: HttpRequest, room_key: str) -> HttpResponse:
    found = opened(request, room_key)
    if isinstance(found, HttpResponse):
        return found
    name = next((name for name in _ACTS if name in request.POST), None)
    words = request.POST.get(name, "").split() if name else []
    if name is None or len(words) < 2 or not (words[0].isascii() and words[0].isdigit() and len(words[0]) < 17):
        reason = "The form did not say what to do with which message."
        return render(request, "chat/refused.html", {"reason": reason, "room": found}, status=400)
    try:
        if changes.find_message(user=request.user, message_id=int(words[0]))[1].key != found.key:
            raise LiveError("no_message", "There is no such message in this room.")
        event = _ACTS[name](request.user, int(words[0]), words[1] == "on", " ".join(words[2:]))
    except LiveError as error:
        if error.code == "sign_in":
            return redirect_to_login(reverse("room", args=[found.key]))
        status = STATUS.get(error.code, 404 if error.code == "no_message" else 403)
        return render(request, "chat/refused.html", {"reason": error.message, "room": found}, status=status)
    back = back_to(request, reverse("room", args=[found.key]))
    return redirect(f"{back}#m{event['message']['n']}")


@require_safe
def screen(request: HttpRequest, room_key: str) -> HttpResponse:
    """The questions that are open, in large type, for who leads a session."""
    found = opened(request, room_key)
    if isinstance(found, HttpResponse):
        return found
    if not can_moderate_room(request.user, found.key, found.author_ids):
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        raise Http404("The screen is for moderators and for those who speak here.")
    last = Room.objects.filter(key=found.key).values_list("last_number", flat=True).first() or 0
    events, _ = list_questions(found, limit=SCREEN_SHOWS)
    context = {
        "room": found,
        "last": last,
        "lines": lines_of(events),
        "questions": count_questions(found),
        "most": SCREEN_SHOWS,
    }
    return render(request, "chat/screen.html", context)
