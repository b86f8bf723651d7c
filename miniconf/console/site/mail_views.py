"""The words of the mails: which there are, one of them with a preview, and one sent to oneself."""

from __future__ import annotations

import smtplib
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from miniconf import mail_texts
from miniconf.console.models import MailWording
from miniconf.guards import me
from miniconf.mail import send_mail
from miniconf.people.record import record

from .forms import WordsForm
from .guard import organizers_only, say


@organizers_only
@require_safe
def mails_page(request: HttpRequest) -> HttpResponse:
    own = dict(MailWording.objects.values_list("name", "changed_at"))
    texts = [(text, own.get(text.name)) for text in mail_texts.all_texts()]
    return render(request, "console/site/mails.html", {"here": "mails", "texts": texts})


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def mail_page(request: HttpRequest, mail: str) -> HttpResponse:
    """The words of one mail, with what they make of an example; `action` says what to do with what was sent."""
    text = mail_texts.find(mail)
    if text is None:
        raise Http404("There is no such mail.")
    action = request.POST.get("action", "") if request.method == "POST" else ""
    if action == "usual":
        with transaction.atomic():
            if MailWording.objects.filter(name=mail).delete()[0]:
                record(me(request), "gave a mail its usual words again", text.title)
        messages.success(request, "The mail has its usual words again.")
        return redirect("mail_wording", mail)
    present = mail_texts.words_of(mail)
    form = WordsForm(request.POST if action else None, text=text, initial=vars(present))
    words = form.words() if action and form.is_valid() else present
    if action == "save" and form.is_valid():
        _save_words(request, text, words, present)
        return redirect("mail_wording", mail)
    example = text.example(me(request))
    composed = mail_texts.compose(text, example, words)
    if action == "send" and form.is_valid():
        _send_example(request, text, example, words)
    context = {
        "here": "mails",
        "text": text,
        "form": form,
        "composed": composed,
        "is_own": MailWording.objects.filter(name=mail).exists(),
        "is_unsaved": words != present,
        "address": me(request).email,
    }
    return render(request, "console/site/mail.html", context, status=422 if form.errors else 200)


def _save_words(
    request: HttpRequest, text: mail_texts.MailText, words: mail_texts.Words, present: mail_texts.Words
) -> None:
    if words != present:
        with transaction.atomic():
            if words == mail_texts.usual_words(text.name):
                MailWording.objects.filter(name=text.name).delete()
            else:
                MailWording.objects.update_or_create(name=text.name, defaults=vars(words))
            record(me(request), "changed the words of a mail", text.title)
    say(request, words != present)


def _send_example(
    request: HttpRequest, text: mail_texts.MailText, example: dict[str, Any], words: mail_texts.Words
) -> None:
    try:
        send_mail(template=text.name, to=me(request).email, words=words, **example)
    except (OSError, smtplib.SMTPException) as error:
        messages.error(request, f"The mail server did not take it: {error}")
    else:
        messages.success(request, f"It was sent to {me(request).email}.")
