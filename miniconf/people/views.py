"""Organizers' pages about people: who takes part, invitations, admission, one person, authors and accounts, the record."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.guards import me, only_for
from miniconf.live.access import access_changed
from miniconf.permissions import can_manage_people
from papers.models import Person

from . import invitations, matching, roles
from .forms import AdmissionForm, PeopleFile, RoleForm
from .models import Act, Invitation, Role
from .reading import Attendee, read_people
from .record import record
from .tasks import send_invitations

ROWS_PER_PAGE = 50
KEPT_FOR = 3600  # seconds between a preview and its being applied
SHOWN_OF_PREVIEW = 20
FILTERS = {"": "Everybody", "organizers": "Organizers", "roles": "With a role", "off": "Switched off"}

managers_only = only_for(can_manage_people, "These pages are for organizers.")


@managers_only
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    text, chosen = request.GET.get("q", "").strip()[:120], request.GET.get("show", "")
    found = User.objects.prefetch_related("roles").order_by("name", "pk")
    if text:
        found = found.filter(Q(name__icontains=text) | Q(affiliation__icontains=text) | Q(email__icontains=text))
    if chosen == "organizers":
        found = found.filter(is_organizer=True)
    elif chosen == "roles":
        found = found.filter(roles__isnull=False).distinct()
    elif chosen == "off":
        found = found.filter(is_active=False)
    context = {
        "here": "people",
        "page": Paginator(found, ROWS_PER_PAGE).get_page(request.GET.get("page")),
        "text": text,
        "filters": [(name, label, name == chosen) for name, label in FILTERS.items()],
    }
    return render(request, "people/people.html", context)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, public_id: str) -> HttpResponse:
    """One person: what they are here, and what is handed over to them."""
    somebody = get_object_or_404(User, public_id=public_id)
    form = RoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        role = roles.grant(user=somebody, kind=form.cleaned_data["kind"], key=form.cleaned_data["key"], by=me(request))
        record(me(request), f"made {role}", somebody.display_name)
        messages.success(request, f"{somebody.display_name} is now: {role}.")
        return redirect("person_account", somebody.public_id)
    context = {
        "here": "people",
        "somebody": somebody,
        "form": form,
        "roles": somebody.roles.all()[: roles.MOST_ROLES],
        "linked": Person.objects.filter(user=somebody).first(),
        "invitation": Invitation.objects.filter(email=somebody.email).first(),
        "is_me": somebody.pk == me(request).pk,
    }
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


@managers_only
@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    role = get_object_or_404(Role.objects.select_related("user"), pk=pk)
    record(me(request), f"took back {role}", role.user.display_name)
    roles.take_back(role=role)
    messages.success(request, f"{role.user.display_name} is no longer: {role}.")
    return redirect("person_account", role.user.public_id)


@managers_only
@require_POST
def change_account(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Make somebody an organizer or none, switch an account off or on. Nobody does it to themselves."""
    somebody = get_object_or_404(User, public_id=public_id)
    if somebody.pk == me(request).pk:
        raise PermissionDenied("Somebody else has to change your own account.")
    field, value, said = {
        "organizer": ("is_organizer", True, "made an organizer"),
        "attendee": ("is_organizer", False, "made an attendee"),
        "off": ("is_active", False, "switched off"),
        "on": ("is_active", True, "switched on"),
    }[action]
    setattr(somebody, field, value)
    somebody.save(update_fields=[field])
    access_changed([somebody.pk])
    record(me(request), said, somebody.display_name)
    messages.success(request, f"{somebody.display_name} was {said}.")
    return redirect("person_account", somebody.public_id)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest) -> HttpResponse:
    """Invitations, and a table of people read for a preview."""
    form = PeopleFile(request.POST or None, request.FILES or None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        uploaded = form.cleaned_data["file"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (Path(uploaded.name).name[-100:] or "people.csv")
            with path.open("wb") as file:
                for piece in uploaded.chunks():
                    file.write(piece)
            found = read_people(path)
        problems = [
            *found.problems.lines,
            *([f"… and {found.problems.left_out} more"] if found.problems.left_out else []),
        ]
        if not problems:
            key = get_random_string(32)
            rows = [(one.email, one.name, one.affiliation) for one in found.attendees.values()]
            cache.set(f"people:{me(request).pk}:{key}", (path.name, rows, found.notes), KEPT_FOR)
            return redirect("preview_people", key)
    shown, text = request.GET.get("state", ""), request.GET.get("q", "").strip()[:120]
    rows_of_page = Invitation.objects.all()
    if shown in Invitation.State.values:
        rows_of_page = rows_of_page.filter(state=shown)
    if text:
        rows_of_page = rows_of_page.filter(Q(name__icontains=text) | Q(email__icontains=text))
    context = {
        "here": "invitations",
        "form": form,
        "problems": problems,
        "page": Paginator(rows_of_page, ROWS_PER_PAGE).get_page(request.GET.get("page")),
        "states": [("", "All", not shown), *((name, label, name == shown) for name, label in Invitation.State.choices)],
        "text": text,
        "admission": AdmissionForm.current(),
        **progress_context(),
    }
    return render(request, "people/invitations.html", context, status=422 if problems or form.errors else 200)


def progress_context() -> dict[str, Any]:
    counts = invitations.counts()
    tried = counts["total"] - counts["waiting"]
    waiting_for = Invitation.objects.filter(due=True).exclude(error="").values_list("error", flat=True).first()
    return {"counts": counts, "tried": tried, "trouble": waiting_for}


@managers_only
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    return render(request, "people/progress.html", progress_context())


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, key: str) -> HttpResponse:
    """What a table would add; applied by POST."""
    kept = cache.get(f"people:{me(request).pk}:{key[:32]}")
    if kept is None:
        messages.error(request, "That preview is too old; please read the file again.")
        return redirect("invitations")
    name, rows, notes = kept
    attendees = [Attendee(*row) for row in rows]
    if request.method == "POST":
        send = request.POST.get("send") == "1"
        done = invitations.invite(attendees, by=me(request), source=name, send=send)
        record(me(request), f"invited {len(done.new)} people", name)
        cache.delete(f"people:{me(request).pk}:{key[:32]}")
        if send and done.new:
            send_invitations.delay()
        messages.success(request, f"{len(done.new)} people were invited{' and get a mail' if send else ''}.")
        return redirect("invitations")
    planned = invitations.preview(attendees)
    context = {
        "here": "invitations",
        "name": name,
        "notes": notes,
        "planned": planned,
        "shown": [("New", planned.new[:SHOWN_OF_PREVIEW]), ("Changed", planned.changed[:SHOWN_OF_PREVIEW])],
        "total": len(attendees),
    }
    return render(request, "people/preview.html", context)


@managers_only
@require_POST
def send(request: HttpRequest, which: str) -> HttpResponse:
    if which == "stop":
        count = invitations.stop_sending()
        messages.success(request, f"{count} mails will not be sent.")
    else:
        count = invitations.send_again(which)
        send_invitations.delay()
        messages.success(request, f"{count} mails go out now.")
    record(me(request), {"stop": "stopped sending invitations"}.get(which, f"sent {count} invitations ({which})"))
    return redirect("invitations")


@managers_only
@require_POST
def save_admission(request: HttpRequest) -> HttpResponse:
    form = AdmissionForm(request.POST)
    try:
        if form.is_valid():
            form.save()
            record(me(request), "changed who may make an account")
            messages.success(request, "Who may make an account is changed.")
            return redirect("invitations")
    except ValidationError as error:
        form.add_error("rules", error)
    context = {"here": "invitations", "admission": form}
    return render(request, "people/admission_page.html", context, status=422)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def authors(request: HttpRequest) -> HttpResponse:
    """Authors without an account and the accounts that may be theirs."""
    if request.method == "POST":
        person = get_object_or_404(
            Person, pk=(request.POST.get("person", "").isdigit() and request.POST["person"]) or 0
        )
        if request.POST.get("action") == "unlink":
            matching.unlink(person=person)
            record(me(request), "unlinked an author from an account", person.name)
            messages.success(request, f"{person.name} has no account now.")
        else:
            user = get_object_or_404(User, public_id=request.POST.get("user"))
            try:
                matching.link(person=person, user=user)
                record(me(request), "linked an author to an account", person.name)
                messages.success(request, f"{person.name} is linked to the account of {user.display_name}.")
            except LookupError as error:
                messages.error(request, str(error))
        return redirect("match_authors")
    found = matching.possible_matches()
    context = {
        "here": "authors",
        "matches": [match for match in found if not match.is_conflict],
        "conflicts": [match for match in found if match.is_conflict],
        "is_cut": len(found) >= matching.MOST_SHOWN,
    }
    return render(request, "people/authors.html", context)


@managers_only
@require_safe
def acts(request: HttpRequest) -> HttpResponse:
    page = Paginator(Act.objects.select_related("actor"), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/record.html", {"here": "record", "page": page})
