"""Setting up a new site, step by step. Every step can be left out for now, and all of it be left and gone on with later.

A step is done when it was saved or left out once (a row of SetupStep), or when the site shows that it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from miniconf.models import SetupStep
from miniconf.people.models import AdmissionRule, Invitation
from papers.models import Conference, Paper, Session

PREFIX = "set up: "
UNNAMED = Conference._meta.get_field("name").default


@dataclass(frozen=True)
class Step:
    name: str
    title: str
    question: str
    done: bool = False


STEPS = (
    Step("name", "Name", "What is the conference called?"),
    Step("dates", "Dates", "When is it, and in which time zone are its times?"),
    Step("access", "Access", "Who may read, run demos and make an account?"),
    Step("programme", "Programme", "Where does the programme come from?"),
    Step("people", "People", "Who takes part?"),
)
NAMES = tuple(step.name for step in STEPS)


def finish(name: str) -> None:
    SetupStep.objects.get_or_create(name=PREFIX + name)


def _finished() -> set[str]:
    rows = SetupStep.objects.filter(name__startswith=PREFIX).values_list("name", flat=True)
    return {row.removeprefix(PREFIX) for row in rows}


def was_finished(name: str) -> bool:
    return SetupStep.objects.filter(name=PREFIX + name).exists()


def steps() -> list[Step]:
    finished, conference = _finished(), Conference.current()
    shown = {
        "name": conference.name != UNNAMED,
        "dates": conference.starts_on is not None,
        "access": conference.members_only or not conference.open_registration,
        "programme": Paper.objects.exists() or Session.objects.exists(),
        "people": Invitation.objects.exists() or AdmissionRule.objects.exists(),
    }
    return [Step(one.name, one.title, one.question, one.name in finished or shown[one.name]) for one in STEPS]


def is_unfinished() -> bool:
    """Whether organizers should be led through: the site was begun here or is empty, and something is left to do.

    A site that was filled in another way, by an import or a backup, is not asked about what it never wanted.
    """
    finished = _finished()
    if set(NAMES) <= finished or "all" in finished:
        return False
    return bool(finished) or (Conference.current().name == UNNAMED and not Paper.objects.exists())


def next_step(after: str = "") -> str | None:
    """The first step that is not done, those behind `after` first; None when all are."""
    found = [step.name for step in steps() if not step.done]
    if after in NAMES:
        behind = NAMES[NAMES.index(after) + 1 :]
        found.sort(key=lambda name: (name not in behind, NAMES.index(name)))
    return found[0] if found else None
