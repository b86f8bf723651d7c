"""The organizers' pages of the end of a conference."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf import mail_texts
from miniconf.certificates import attending
from miniconf.certificates.models import CertificateRules
from miniconf.feedback.models import FeedbackForm, FeedbackResponse
from miniconf.guards import me, only_for
from miniconf.live import BrokerDown
from miniconf.people.record import record
from miniconf.permissions import can_end_conference
from papers.models import Conference

from . import archives, retention, rooms, thanking
from .forms import RetentionForm
from .models import Archive, Closing, Thanks
from .tasks import make_archive, send_thanks

organizers_only = only_for(can_end_conference, "These pages are for organizers.")


@organizers_only
@require_safe
def end_page(request: HttpRequest) -> HttpResponse:
    """The steps and how far each is."""
    conference, rules = Conference.current(), CertificateRules.current()
    days = attending.period(conference)
    context = {
        "closing": Closing.current(),
        "is_over": days is not None and days[1] <= now(),
        "has_days": days is not None,
        "rules": rules,
        "certificates_from": attending.available_from(rules, conference),
        "certificates": attending.are_available(rules, conference),
        "feedback_on": FeedbackForm.objects.filter(is_on=True).count(),
        "responses": FeedbackResponse.objects.count(),
        "thanks": thanking.counts(),
        "plans": retention.plans(),
        **_archive(),
    }
    return render(request, "closing/end.html", context)


def _archive() -> dict[str, Any]:
    archive = archives.latest()
    running = archive is not None and archive.state in Archive.UNFINISHED
    return {
        "archive": archive,
        "running": running,
        "there": archive is not None and archive.state == Archive.State.READY and archives.file_of(archive).exists(),
        "members_only": Conference.current().members_only,
    }


@organizers_only
@require_POST
def close_rooms(request: HttpRequest) -> HttpResponse:
    close = request.POST.get("action") == "close"
    if rooms.set_closed(close, by=me(request)):
        messages.success(request, "All rooms are closed." if close else "The rooms are open again, as they were.")
    return redirect("end")


@organizers_only
@require_POST
def archive_action(request: HttpRequest) -> HttpResponse:
    action = request.POST.get("action", "")
    if action == "stop":
        archives.stop(by=me(request))
    elif action == "delete":
        archives.remove(by=me(request))
    elif action == "begin":
        try:
            archive = archives.begin(by=me(request), videos="videos" in request.POST)
        except archives.Refused as refused:
            messages.error(request, str(refused))
        else:
            try:
                make_archive.delay(str(archive.pk))
            except BrokerDown:
                archives.stop(by=me(request))
                raise
    return redirect("end")


@organizers_only
@require_safe
def archive_progress(request: HttpRequest) -> HttpResponse:
    """The archive's part of the page, which asks for itself while it is made."""
    archives.give_up_lost()
    return render(request, "closing/archive.html", _archive())


@organizers_only
@require_safe
def archive_file(request: HttpRequest, archive_id: UUID) -> HttpResponse:
    archive = get_object_or_404(Archive, pk=archive_id, state=Archive.State.READY)
    try:
        file = archives.file_of(archive).open("rb")
    except FileNotFoundError:
        raise Http404("The file of this archive is not on this machine. Make it again.") from None
    name = f"conference-{archive.created_at:%Y-%m-%d}.zip"
    answer = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    return cast(HttpResponse, answer)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def thanks_page(request: HttpRequest) -> HttpResponse:
    """The mail as it will be, to how many it goes, and how far it is."""
    if request.method == "POST":
        if request.POST.get("action") == "stop":
            messages.success(request, f"{thanking.stop()} mails were taken back before they went out.")
            record(me(request), "stopped the mails of thanks")
        else:
            with transaction.atomic():
                asked = thanking.ask()
                record(me(request), "had mails of thanks sent", f"{asked} people")
            if asked:
                transaction.on_commit(send_thanks.delay)
            messages.success(request, f"{asked} mails are on their way.")
        return redirect("thanks")
    text = mail_texts.find("thanks")
    assert text is not None
    rules = CertificateRules.current()
    context = {
        "mail": mail_texts.compose(text, {"user": me(request)}),
        "count": thanking.recipients().count(),
        "counts": thanking.counts(),
        "failed": Thanks.objects.filter(state=Thanks.State.FAILED).select_related("user")[:20],
        "error": Thanks.objects.filter(due=True).exclude(error="").values_list("error", flat=True).first(),
        "rules": rules,
        "certificates": attending.are_available(rules, Conference.current()),
    }
    return render(request, "closing/thanks.html", context)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def retention_page(request: HttpRequest) -> HttpResponse:
    closing = Closing.current()
    fields = [rule.field for rule in retention.RULES]
    form = RetentionForm(
        request.POST if request.method == "POST" else None, initial={name: getattr(closing, name) for name in fields}
    )
    if request.method == "POST" and form.is_valid():
        changed = {
            name: form.cleaned_data[name] for name in fields if form.cleaned_data[name] != getattr(closing, name)
        }
        if changed:
            with transaction.atomic():
                Closing.objects.update_or_create(pk=closing.pk, defaults={**changed, "retention_changed_at": now()})
                said = ", ".join(f"{name.removesuffix('_days')}: {days or 'kept'}" for name, days in changed.items())
                record(me(request), "set what is deleted when", said)
        messages.success(request, "Saved." if changed else "Nothing was changed.")
        return redirect("retention")
    plans = retention.plans()
    context = {
        "form": form,
        "rows": [(form[plan.rule.field], plan) for plan in plans],
        "server_days": retention.of_the_server(),
        "has_days": Conference.current().starts_on is not None,
        "now": now(),
    }
    return render(request, "closing/retention.html", context, status=422 if form.errors else 200)
