"""Mails brought by a mail provider: POST /mail/inbound with the secret that only the provider and this site know.

Answered with 200 whatever became of a mail, since no provider should bounce or retry it; with 503 where it should be brought
again, with 403 without the right secret, and with 404 where no secret is set.
"""

from __future__ import annotations

import base64
import binascii
import json

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from miniconf.limits import allow
from miniconf.live import BrokerDown

from .inbound import LARGEST, Later, receive

RATE = "600/minute"
WRONG_RATE = "20/minute"
_PARTS = ("body-mime", "email", "message", "mime")  # where Mailgun, SendGrid and others put the whole mail


@csrf_exempt
@never_cache
@require_POST
def inbound(request: HttpRequest) -> JsonResponse:
    if not settings.INBOUND_SECRET:
        raise Http404("This site takes no mail here.")
    if not _knows_secret(request):
        return _refusal(WRONG_RATE, "wrong") or JsonResponse({"error": "The secret is missing or wrong."}, status=403)
    refusal = _refusal(RATE, "mail")
    if refusal is not None:
        return refusal
    try:
        raw, recipients = _mail_of(request)
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        return JsonResponse({"refused": f"It is larger than {LARGEST:,} bytes."})
    except (ValueError, MultiPartParserError, RawPostDataException):
        return JsonResponse({"error": "No mail was found in the request (docs/operating.md, Mail in)."}, status=400)
    try:
        row = receive(raw, recipients=recipients)
    except Later as later:
        return JsonResponse({"error": str(later)}, status=503, headers={"Retry-After": "60"})
    return JsonResponse({"refused": row.refused} if row.refused else {"posted": row.message_id})


def _knows_secret(request: HttpRequest) -> bool:
    """As a bearer token, or as the password of an address like https://mail:SECRET@site.example/mail/inbound."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif kind.lower() != "bearer":
        return False
    return constant_time_compare(value.strip(), settings.INBOUND_SECRET)


def _refusal(rate: str, scope: str) -> JsonResponse | None:
    """Of all providers together: there is one."""
    try:
        wait = allow(rate, "mail-inbound", scope)
    except BrokerDown:
        return None
    if wait is None:
        return None
    return JsonResponse({"error": "Too many at once."}, status=429, headers={"Retry-After": str(round(wait))})


def _mail_of(request: HttpRequest) -> tuple[bytes, list[str]]:
    """The mail as it is (message/rfc822), in a form, or in JSON; and whom it was brought to. ValueError without one."""
    kind = (request.content_type or "").lower()
    if kind == "multipart/form-data" or kind == "application/x-www-form-urlencoded":
        recipients = [value for name in ("recipient", "to") if (value := request.POST.get(name))]
        for name in _PARTS:
            if name in request.FILES:
                upload = request.FILES[name]
                return upload.read(LARGEST + 1), recipients  # type: ignore[union-attr]
            if text := request.POST.get(name):
                return text.encode("utf-8", "surrogateescape"), recipients
        raise ValueError
    body = request.body
    if kind == "application/json":
        found = json.loads(body)
        text = found.get("RawEmail") if isinstance(found, dict) else None  # as Postmark sends it
        recipient = found.get("OriginalRecipient") if isinstance(found, dict) else None
        if not isinstance(text, str) or not text:
            raise ValueError
        return text.encode("utf-8", "replace"), [recipient] if isinstance(recipient, str) else []
    if not body:
        raise ValueError
    return body, []
