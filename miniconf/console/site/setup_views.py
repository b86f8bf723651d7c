"""Setting up a new site step by step, and the checklist before it opens."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.edit_forms import EditForm
from papers.models import Conference

from . import checklist, wizard
from .conference import conference_form, save_conference, take
from .forms import ACCESS_FIELDS, AccessForm
from .guard import organizers_only

# Fields of the conference that a step asks for.
STEP_FIELDS = {"name": ("name", "tagline"), "dates": ("starts_on", "ends_on", "timezone"), "access": ACCESS_FIELDS}


@organizers_only
@require_safe
def setup(request: HttpRequest) -> HttpResponse:
    """Where it was left; an overview once all is done."""
    found = wizard.next_step()
    if found is not None and "all" not in request.GET:
        return redirect("setup_step", found)
    return render(request, "console/site/setup.html", {"steps": wizard.steps()})


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def setup_step(request: HttpRequest, step: str) -> HttpResponse:
    if step not in wizard.NAMES:
        raise Http404("There is no such step.")
    conference = Conference.current()
    data = request.POST if request.method == "POST" else None
    leaves_out = data is not None and data.get("action") == "later"
    form: AccessForm | EditForm | None = None
    status = 200
    if step == "access":
        form = AccessForm.of(conference, None if leaves_out else data)
    elif step in STEP_FIELDS:
        form = conference_form(None if leaves_out else data, conference, STEP_FIELDS[step])
    if data is not None:
        if isinstance(form, EditForm) and form.is_bound:
            status = take(request, form, conference)
        elif isinstance(form, AccessForm) and form.is_bound:
            status = 200 if form.is_valid() else 422
            if status == 200:
                save_conference(request, conference, form.changes(conference))
        if status == 200:
            wizard.finish(step)
            following = wizard.next_step(step)
            return redirect("setup_step", following) if following else redirect("setup")
    steps = wizard.steps()
    place = wizard.NAMES.index(step)
    context = {
        "steps": steps,
        "step": steps[place],
        "number": place + 1,
        "form": form,
        "before": wizard.NAMES[place - 1] if place else "",
    }
    return render(request, "console/site/setup_step.html", context, status=status)


@organizers_only
@require_POST
def end_setup(request: HttpRequest) -> HttpResponse:
    """Be asked no more; every setting stays where it is."""
    wizard.finish("all")
    return redirect("organize")


@organizers_only
@require_safe
def checklist_page(request: HttpRequest) -> HttpResponse:
    groups = checklist.checklist(now())
    context = {"groups": groups, "left": checklist.left(groups), "now": now()}
    return render(request, "console/site/checklist.html", context)


@organizers_only
@require_safe
def doctor(request: HttpRequest) -> HttpResponse:
    """What manage.py doctor says, as part of the checklist or as a page of its own."""
    template = "console/site/doctor.html" if getattr(request, "htmx", False) else "console/site/doctor_page.html"
    return render(request, template, {"findings": checklist.doctors_findings()})
