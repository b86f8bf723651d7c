"""Setting up demos on the site: by the authors of the paper and by organizers, with the programme's history and approval.

A demo begins as a draft (`enabled` is false) that those who may edit it can look at and run. Publishing it is a change
like any other, so it waits for an organizer where the conference wants that; changes of what is published wait, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from miniconf.accounts.models import User
from miniconf.permissions import Viewer, can_edit_demo, can_edit_paper, is_organizer
from miniconf.problems import Problem
from papers import editing
from papers.models import Edit, Paper
from papers.values import Values, free_slug

from . import kinds, stored
from .hub_looks import model_problem
from .limits import OF_A_DEMO
from .models import Demo

KIND = "demo"  # in the history of edits
FIELDS = ("title", "description", "model", "defaults", "limits", "options", "examples", "enabled")
MOST_EXAMPLES = 20
MOST_DEMOS = 12  # of one paper


@dataclass(frozen=True)
class SetupError:
    """What is wrong with a demo's setup: `place` is a field, or `defaults.temperature`, `examples.2.prompt`."""

    place: str
    value: Any
    message: str


def setup_errors(demo: Demo) -> Iterator[SetupError]:
    """Everything that keeps a demo from running as it is set up; nothing is stored or asked of a worker."""
    if demo.kind not in kinds.KINDS:
        yield SetupError("kind", demo.kind, f"one of {', '.join(sorted(kinds.KINDS))} was expected")
        return
    kind = kinds.get(demo.kind)
    try:
        kind.options_for(demo)
    except Problem as problem:
        yield from (SetupError(e["field"], _at(demo.options, e["field"]), e["message"]) for e in _errors(problem))
        return
    yield from _limit_errors(demo)
    for name in sorted(demo.defaults.keys() - set(kind.Inputs.model_fields)):
        yield SetupError(f"defaults.{name}", demo.defaults[name], "is not an input of this kind of demo")
    places = [("defaults", {}), *((f"examples.{n}", e["inputs"]) for n, e in enumerate(demo.examples, 1))]
    for place, inputs in places:
        try:
            kind.validate(demo, inputs)
        except Problem as problem:
            if problem.status != 422:  # its model is not there
                yield SetupError("model", demo.model, problem.detail)
                return
            for error in _errors(problem):
                field = error["field"]
                # A preset that is wrong is wrong for every example: it is told once.
                if place == "defaults" or field in inputs or field not in demo.defaults:
                    yield SetupError(f"{place}.{field}", inputs.get(field, ""), error["message"])


def _limit_errors(demo: Demo) -> Iterator[SetupError]:
    kind = kinds.get(demo.kind)
    bounds = kind.limits_for(Demo(kind=demo.kind, limits={}))
    further = {**kind.further_limits, **OF_A_DEMO}
    for name, value in demo.limits.items():
        if name in further:
            low, high = 1.0, float(further[name][1])
        elif "maximum" in bounds.get(name, {}):
            low, high = bounds[name].get("minimum", 0.0), bounds[name]["maximum"]
        else:
            yield SetupError(f"limits.{name}", value, "is nothing that this kind of demo can limit")
            continue
        if not low <= value <= high:
            yield SetupError(f"limits.{name}", value, f"must be from {low:g} to {high:g}, the kind's own bound")


def _errors(problem: Problem) -> list[dict[str, str]]:
    return list(problem.extra.get("errors", [])) or [{"field": "inputs", "message": problem.detail}]


def _at(options: dict[str, Any], place: str) -> Any:
    return options.get(place.partition(".")[2].partition(".")[0], "")


def allowed_models() -> list[str]:
    """The models a demo may be set up with: those installed on this site, behind its servers, or in use already."""
    folders = settings.MODELS_DIR.iterdir() if settings.MODELS_DIR.is_dir() else ()
    installed = {folder.name for folder in folders if (folder / "config.json").is_file()}
    in_use = set(Demo.objects.filter(enabled=True).values_list("model", flat=True))
    return sorted(installed | in_use | set(settings.MODEL_BACKENDS))


# --- Changes --------------------------------------------------------------------------------------------------------------


def create(*, user: User, paper: Paper, kind: str, values: Values) -> Demo:
    """A draft on a paper. Raises Problem."""
    if not can_edit_paper(user, paper):
        raise Problem(403, "Not your paper", "Only its authors and the organizers add demos to a paper.")
    if Demo.objects.filter(paper=paper).count() >= MOST_DEMOS:
        raise Problem(422, "Too many demos", f"A paper has {MOST_DEMOS} demos at most, drafts included.")
    with transaction.atomic():
        taken = set(Demo.objects.values_list("slug", flat=True))
        demo = Demo(
            kind=kind, paper=paper, enabled=False, slug=free_slug(values["title"], taken, limit=80, otherwise=kind)
        )
        _assign(demo, values)
        _refuse_wrong(user, demo)
        demo.position = 100
        demo.save()
        Edit.objects.create(kind=KIND, key=demo.slug, title=demo.title, after=values, user=user)
    return demo


def change(*, user: User, demo: Demo, changes: Values, note: str = "", version: str = "") -> Edit | None:
    """Change a demo, or ask for it; None when nothing differs. Raises Problem."""
    changed = Demo.objects.get(pk=demo.pk)
    _assign(changed, changes)
    if changes != {"enabled": False}:  # what is broken may always be taken away
        _refuse_wrong(user, changed)
    return editing.edit(user=user, kind=KIND, key=demo.slug, changes=changes, note=note, version=version)


def _refuse_wrong(user: User, demo: Demo) -> None:
    if len(demo.examples) > MOST_EXAMPLES:
        raise Problem(422, "Too many examples", f"A demo has {MOST_EXAMPLES} examples at most.")
    wrong = list(setup_errors(demo))
    if not wrong and not is_organizer(user):
        offered = allowed_models()
        wrong = [
            SetupError("model", name, f"this site offers no model {name!r}; its organizers can add it")
            for name in stored.models_of(demo)
            if name not in offered
        ]
    if not wrong:
        found = ((name, model_problem(name)) for name in stored.models_of(demo))
        wrong = [SetupError("model", name, sentence) for name, sentence in found if sentence]
    if wrong:
        raise Problem(
            422,
            "This demo cannot run as it is set up",
            "; ".join(f"{error.place}: {error.message}" for error in wrong[:5]),
            extra={"errors": [{"field": error.place, "message": error.message} for error in wrong[:40]]},
        )


# --- The history -----------------------------------------------------------------------------------------------------------


def values(demo: Demo) -> Values:
    return {name: getattr(demo, name) for name in FIELDS}


def _find(slug: str) -> Demo | None:
    return Demo.objects.select_related("paper").filter(slug=slug).first()


def _assign(demo: Demo, changes: Values) -> None:
    for name, value in changes.items():
        setattr(demo, name, value)


def _store(demo: Demo, after: Values) -> None:
    """Fields that come from files remember what the files said, so that the next import keeps what was written here."""
    if demo.source:
        present, marks = values(demo), dict(demo.edited)
        for name, value in after.items():
            base = marks.pop(name) if name in marks else present[name]
            if base != value:
                marks[name] = base
        demo.edited = marks
    _assign(demo, after)
    demo.save()


def _fields_for(user: Viewer, demo: Demo) -> tuple[str, ...]:
    return FIELDS if can_edit_demo(user, demo) else ()


def _waits(demo: Demo, after: Values) -> bool:
    """Drafts are their authors' own, and what is published can be taken away at once."""
    return bool(after.get("enabled", demo.enabled))


def _form_address(demo: Demo) -> str:
    return reverse("demo_setup", args=[demo.slug])


editing.OTHERS[KIND] = editing.Editable(
    find=_find, values=values, store=_store, fields_for=_fields_for, waits=_waits, address=_form_address
)
