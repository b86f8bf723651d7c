"""Changing the conference's own fields: as a change like any other, which stands in the history and can be taken back."""

from __future__ import annotations

from typing import Any, cast

from django.db import transaction
from django.http import HttpRequest

from miniconf.guards import me
from miniconf.people.record import record
from miniconf.problems import Problem
from papers import editing
from papers.change_texts import label_of
from papers.edit_forms import EditForm
from papers.models import Conference
from papers.values import values
from papers.zones import named_zone

from .guard import say


def conference_form(data: Any, conference: Conference, names: tuple[str, ...]) -> EditForm:
    present = values(conference)
    form = EditForm(
        data,
        kind="conference",
        names=names,
        present=present,
        source="",
        zone=cast(Any, named_zone(conference.timezone) or named_zone("UTC")),
        initial={"version": editing.version_of(present)},
    )
    del form.fields["note"]
    if "name" in form.fields:
        form.fields["name"].required = True
    return form


def save_conference(request: HttpRequest, conference: Conference, changes: dict[str, Any], version: str = "") -> bool:
    """As a change like any other: it stands in the history, and in the record. Says whether anything was changed."""
    with transaction.atomic():
        made = editing.edit(
            user=me(request), kind="conference", key=str(conference.pk), changes=changes, version=version
        )
        if made is not None:
            record(me(request), "changed the settings of the conference", ", ".join(map(label_of, made.after)))
    return made is not None


def take(request: HttpRequest, form: EditForm, conference: Conference) -> int:
    """Save a form that was sent: 200, or the status of what was wrong, which the form says then."""
    if not form.is_valid():
        return 422
    try:
        say(request, save_conference(request, conference, form.changes(), form.cleaned_data["version"]))
    except Problem as problem:
        if problem.status != 409:
            raise
        form.add_error(None, f"{problem.detail} Load the page again and see what is different.")
        return 409
    return 200
