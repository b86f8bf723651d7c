"""How allauth behaves here."""

from __future__ import annotations

import logging
import smtplib
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from miniconf.mail import send_mail
from miniconf.problems import Problem

from .sso import identities

log = logging.getLogger(__name__)


# allauth's names of the mails whose words are ours, and ours.
MAILS = {"account/email/login_code": "sign_in_code", "account/email/unknown_account": "unknown_account"}


class AccountAdapter(DefaultAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises Problem 503 when the mail server does not take the mail: the code would never arrive."""
        try:
            if template_prefix in MAILS:
                send_mail(template=MAILS[template_prefix], to=email, email=email, code=context.get("code"))
            else:
                super().send_mail(template_prefix, email, context)
        except (smtplib.SMTPException, OSError) as error:
            log.exception("a mail could not be sent")
            detail = "The mail with your sign-in code could not be sent. Please try again in some minutes."
            raise Problem(503, "Mail unavailable", detail, retry_after=60) from error

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """An identity elsewhere that waited for the code is connected.

        Whoever has no name yet is asked for it, and goes on to where they wanted to be after that.
        """
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if "sociallogin" in (kwargs.get("signal_kwargs") or {}):
            identities.forget_pending(request)
        elif said := identities.take_pending(request, user):
            messages.info(request, said)
        if not user.name:
            return HttpResponseRedirect(f"{reverse('profile')}?{urlencode({'next': response['Location']})}")
        return response
