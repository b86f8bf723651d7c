"""Setting up the demos of a paper: their list, the form, publishing, withdrawing, computing the examples."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.accounts.models import User
from miniconf.permissions import can_edit_demo, can_edit_everything, can_edit_paper
from miniconf.problems import Problem
from papers.editing import version_of
from papers.models import Conference, Edit, Paper

from . import authoring, kinds
from .authoring_forms import Examples, SetupForm, initial_examples
from .models import Demo
from .precompute import precompute, states


@login_required
@require_safe
def paper_demos(request: HttpRequest, uid: str) -> HttpResponse:
    """The demos of a paper, drafts too, and the kinds that can be added."""
    paper = get_object_or_404(Paper, uid=uid)
    if not can_edit_paper(request.user, paper):
        raise PermissionDenied("Only its authors and the organizers set up a paper's demos.")
    demos = [demo for demo in Demo.objects.filter(paper=paper) if demo.kind in kinds.KINDS]
    waiting = set(_waiting().filter(key__in=[demo.slug for demo in demos]).values_list("key", flat=True))
    rows = [
        {
            "demo": demo,
            "kind": kinds.get(demo.kind),
            "waits": demo.slug in waiting,
            "examples": states(demo),
            "state": "Published" if demo.enabled else "Waits for approval" if demo.slug in waiting else "Draft",
        }
        for demo in demos
    ]
    context = {"paper": paper, "rows": rows, "kinds": kinds.KINDS.values(), "approval": _waits(request)}
    return render(request, "demos/authoring/demos.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_demo(request: HttpRequest, uid: str, kind: str) -> HttpResponse:
    """The form of a new demo of one kind."""
    paper = get_object_or_404(Paper, uid=uid)
    if not can_edit_paper(request.user, paper):
        raise PermissionDenied("Only its authors and the organizers set up a paper's demos.")
    if kind not in kinds.KINDS:
        raise Http404(f"There is no kind of demo {kind[:40]!r}.")
    offered = authoring.allowed_models()
    draft = Demo(kind=kind, paper=paper, title=kinds.get(kind).title, model=offered[0] if offered else "")
    return _form(request, draft, paper)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def demo_setup(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of a demo that there is."""
    demo = _demo(request, slug)
    return _form(request, demo, demo.paper)


@login_required
@require_POST
def demo_action(request: HttpRequest, slug: str, action: str) -> HttpResponse:
    """`publish`, `withdraw`, or `precompute` the examples."""
    demo, user = _demo(request, slug), cast(User, request.user)
    try:
        if action == "precompute":
            runs = precompute(demo)
            messages.success(request, f"{len(runs)} examples are being computed." if runs else "All are computed.")
        else:
            made = authoring.change(user=user, demo=demo, changes={"enabled": action == "publish"})
            if made is not None and made.state == Edit.State.WAITING:
                messages.info(request, "Thank you. It is shown once an organizer has approved it.")
            elif made is not None:
                messages.success(request, "Published." if action == "publish" else "Not shown any more.")
    except Problem as problem:
        messages.error(request, problem.detail)
    return redirect("paper_demos", demo.paper.uid) if demo.paper else redirect(demo)


def _form(request: HttpRequest, demo: Demo, paper: Paper | None) -> HttpResponse:
    user, kind, posted = cast(User, request.user), kinds.get(demo.kind), request.method == "POST"
    version = version_of(authoring.values(demo)) if demo.pk else ""
    form = SetupForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        kind=kind,
        demo=demo,
        any_model=can_edit_everything(user),
        initial={"version": version},
    )
    examples: Any = Examples(
        request.POST if posted else None,
        prefix="examples",
        form_kwargs={"kind": kind},
        initial=initial_examples(demo),
    )
    status = 200
    if posted:
        status = 422
        if all([form.is_valid(), examples.is_valid()]):
            values = {**form.setup(), "examples": [*examples.examples(), *form.uploaded]}
            try:
                if demo.pk:
                    _say(
                        request,
                        authoring.change(
                            user=user,
                            demo=demo,
                            changes=values,
                            note=form.cleaned_data["note"],
                            version=form.cleaned_data["version"],
                        ),
                    )
                else:
                    assert paper is not None  # demos without one are made elsewhere
                    demo = authoring.create(user=user, paper=paper, kind=kind.name, values=values)
                    messages.success(request, "A draft: only its authors and organizers see it.")
            except Problem as problem:
                status = problem.status
                if status == 409:
                    form.add_error(None, f"{problem.detail} Look at it as it is now, then save again to change it.")
                    form.data = form.data.copy()  # type: ignore[attr-defined]
                    form.data["version"] = version_of(authoring.values(Demo.objects.get(pk=demo.pk)))  # type: ignore[index]
                else:
                    form.show(problem, examples.given())
            else:
                return redirect(demo)
    context = {
        "form": form,
        "examples": examples,
        "demo": demo,
        "paper": paper,
        "kind": kind,
        "waits": demo.enabled and demo.pk and _waits(request),
        "waiting": demo.pk and _waiting().filter(key=demo.slug, user=user).exists(),
    }
    return render(request, "demos/authoring/setup.html", context, status=status)


def _say(request: HttpRequest, made: Edit | None) -> None:
    if made is None:
        messages.info(request, "Nothing was changed.")
    elif made.state == Edit.State.WAITING:
        messages.info(request, "Thank you. The change is shown once an organizer has approved it.")
    else:
        messages.success(request, "Saved.")


def _demo(request: HttpRequest, slug: str) -> Demo:
    demo = get_object_or_404(Demo.objects.select_related("paper"), slug=slug, kind__in=kinds.KINDS)
    if not can_edit_demo(request.user, demo):
        raise PermissionDenied("Only the authors of its paper and the organizers set up a demo.")
    return demo


def _waiting() -> Any:
    return Edit.objects.filter(kind=authoring.KIND, state=Edit.State.WAITING)


def _waits(request: HttpRequest) -> bool:
    """Whether what this member changes needs an organizer's approval."""
    return Conference.current().approve_author_edits and not can_edit_everything(request.user)
