"""What is mailed to whom: the page in the profile, and the addresses in mails that end them without signing in.

Opening such an address only asks; the click on its button acts, so that a program that looks at a mail's links changes
nothing. Mail programs that show their own "Unsubscribe" act at once (RFC 8058). No form here carries a token of the
session: the address itself is the secret.
"""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from miniconf.accounts.models import User

from .mail_choices import CAUSES, LinkInvalid, choice_of, choose, muting_of, unsubscription_of, whens_of
from .titles import titles_of


class MailChoiceForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for cause, label in CAUSES.items():
            self.fields[cause] = forms.ChoiceField(label=label, choices=list(whens_of(cause).items()))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mail_choices(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    if request.method == "POST":
        form = MailChoiceForm(request.POST)
        if form.is_valid():
            choose(user=user, choices=form.cleaned_data)
            messages.success(request, "Your choice is saved.")
            return redirect("mail_choices")
        return render(request, "chat/mail_choices.html", {"form": form}, status=422)
    chosen = choice_of(user)
    form = MailChoiceForm({cause: getattr(chosen, cause) for cause in CAUSES})
    return render(request, "chat/mail_choices.html", {"form": form})


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    try:
        found = unsubscription_of(token)
    except LinkInvalid:
        return _invalid(request)
    if request.method == "POST":
        found.carry_out()
    return render(request, "chat/unsubscribe.html", {"found": found, "done": request.method == "POST"})


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: HttpRequest, token: str) -> HttpResponse:
    try:
        found = muting_of(token)
    except LinkInvalid:
        return _invalid(request)
    if request.method == "POST":
        found.carry_out()
    # The title is told to whoever holds the address: it stood in the mail already.
    room = titles_of([found.room.key]).get(found.room.key)
    return render(
        request, "chat/unsubscribe_room.html", {"found": found, "room": room, "done": request.method == "POST"}
    )


def _invalid(request: HttpRequest) -> HttpResponse:
    return render(request, "chat/unsubscribe_invalid.html", status=404)
