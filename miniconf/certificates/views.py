"""Members have their certificate, anybody confirms one by its code, organizers say who gets one."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.guards import me, only_for
from miniconf.limits import allow
from miniconf.people.record import record
from miniconf.permissions import can_change_settings, can_have_certificate
from miniconf.problems import Problem
from papers.models import Conference

from . import attending, issuing
from .forms import RulesForm
from .issuing import CannotIssue
from .models import CertificateRules
from .words import days_of, lines_of

LOOKED_UP = "30/minute"  # by one address: a code has 100 bits, and nobody types faster
MADE = "10/minute"  # for one person: each takes a part of a second

organizers_only = only_for(can_change_settings, "These pages are for organizers.")


def _count(rate: str, scope: str, who: str) -> None:
    """Problem 429 when it was too often."""
    wait = allow(rate, scope, who)
    if wait is not None:
        raise Problem(429, "Too many requests", "That was very often in a short time.", retry_after=wait)


def _private(response: HttpResponse) -> HttpResponse:
    """Neither kept by anybody in between nor listed by search engines."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """What one's certificate would say, or why there is none."""
    user, rules, conference = me(request), CertificateRules.current(), Conference.current()
    context: dict[str, object] = {"given_out": user.certificates.all()}
    if not can_have_certificate(user):
        context["why"] = "Certificates are for members."
    else:
        try:
            facts = issuing.check(user, rules, conference)
        except CannotIssue as reason:
            context["why"] = str(reason)
        else:
            context |= {"facts": facts, "lines": lines_of(facts), "days": days_of(facts)}
    return render(request, "certificates/mine.html", context)


@never_cache
@login_required
@require_POST
def download(request: HttpRequest) -> HttpResponse:
    from .pdf import draw, file_name  # half a second to import, and seldom wanted

    user = me(request)
    _count(MADE, "certificate", str(user.pk))
    try:
        certificate = issuing.issue(user)
    except CannotIssue as reason:
        messages.error(request, str(reason))
        return redirect("my_certificate")
    address = settings.SITE_URL + reverse("certificate", args=[certificate.code])
    answer = HttpResponse(draw(certificate, address=address), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{file_name(certificate.facts)}"'
    return answer


@never_cache
@require_safe
def look_up(request: HttpRequest) -> HttpResponse:
    """Where a code is typed in."""
    if code := request.GET.get("code", "").strip():
        plain = "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())[:40]
        return redirect("certificate", plain or "-")
    return _private(render(request, "certificates/look_up.html"))


@never_cache
@require_safe
def confirm(request: HttpRequest, code: str) -> HttpResponse:
    """What the certificate with this code says. Open to everybody who has the code, on members-only sites, too."""
    _count(LOOKED_UP, "confirm-certificate", request.META.get("REMOTE_ADDR", ""))
    certificate = issuing.find(code)
    if certificate is None:
        return _private(render(request, "certificates/look_up.html", {"unknown": True}, status=404))
    context = {
        "certificate": certificate,
        "code": issuing.shown_code(certificate.code),
        "lines": lines_of(certificate.facts),
        "days": days_of(certificate.facts),
    }
    return _private(render(request, "certificates/confirm.html", context))


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def organize(request: HttpRequest) -> HttpResponse:
    rules, conference = CertificateRules.current(), Conference.current()
    form = RulesForm(request.POST if request.method == "POST" else None, instance=rules)
    if request.method == "POST" and form.is_valid():
        form.save()
        state = "on" if form.instance.is_on else "off"
        record(me(request), "set the rules of certificates", f"{state}: {form.instance}")
        messages.success(request, "Saved.")
        return redirect("organize_certificates")
    context = {
        "form": form,
        "first": attending.available_from(CertificateRules.current(), conference),
        "has_days": conference.starts_on is not None,
        "counts": [
            (label, attending.attended(value, conference).count()) for value, label in CertificateRules.Who.choices
        ],
    }
    return render(request, "certificates/organize.html", context, status=422 if form.errors else 200)
