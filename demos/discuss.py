"""A run taken into the conversation about its paper: posted with a few words, shown there as a card."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from chat.services import send_message
from miniconf.live.registry import LiveError
from miniconf.permissions import is_member

from . import kinds
from .models import Run
from .panels import may_discuss
from .run_pages import beginning, outcome, status_line

LETTERS = 180  # of inputs and outcome on a card


def _outcome(run: Run) -> str:
    text = " ".join(outcome(run).split()) if run.output is not None else ""
    return f"{text[:LETTERS].rstrip()} …" if len(text) > LETTERS else text


@require_GET
def run_card(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """What stands in a message in place of a run's address: the kind, how its input begins, what came out."""
    run = get_object_or_404(Run.objects.select_related("demo"), pk=run_id, demo__kind__in=kinds.KINDS)
    context: dict[str, Any] = {
        "run": run,
        "kind": kinds.get(run.demo.kind),
        "beginning": beginning(run, LETTERS),
        "outcome": _outcome(run),
        "status": status_line(run, None),
        "finished": run.state in Run.FINISHED,
    }
    response = render(request, "demos/card.html", context)
    response["Cache-Control"] = f"private, max-age={300 if context['finished'] else 0}"
    return response


@require_http_methods(["GET", "POST"])
def discuss_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A few words about a run, posted with its address into the room of the demo's paper."""
    run = get_object_or_404(Run.objects.select_related("demo__paper"), pk=run_id)
    paper = run.demo.paper
    if paper is None:
        raise Http404("This demo belongs to no paper, so there is no room to discuss it in.")
    if not is_member(request.user):
        return redirect_to_login(request.get_full_path())
    if not may_discuss(request.user, run.demo):
        raise Http404("There is no room that you may write in.")
    context: dict[str, Any] = {
        "run": run,
        "paper": paper,
        "client_id": request.POST.get("client_id") or uuid4(),
        "text": request.POST.get("text", ""),
        "asked": "asked" in request.POST,
        "inline": "inline" in request.GET,
    }
    if request.method == "POST":
        address = request.build_absolute_uri(run.get_absolute_url())
        try:
            event = send_message(
                user=request.user,
                room_key=f"paper:{paper.uid}",
                client_id=UUID(str(context["client_id"])),
                text=f"{context['text'].strip()}\n\n{address}".strip(),
                asked=context["asked"],
            )
        except ValueError:
            context["problem"] = "The form was incomplete; please send it again."
            context["client_id"] = uuid4()
        except LiveError as error:
            context["problem"] = error.message
        else:
            context["place"] = f"{reverse('room', args=[f'paper:{paper.uid}'])}?around={event['n']}#m{event['n']}"
            if not context["inline"]:
                return redirect(context["place"])
    template = "demos/discuss_form.html" if context["inline"] else "demos/discuss.html"
    return render(request, template, context, status=400 if "problem" in context else 200)
