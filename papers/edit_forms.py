"""The form in which a row of the programme is edited: a field for each value that the user may change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db import models

from .change_texts import label_of
from .edit_fields import (
    AuthorsField,
    KeywordsField,
    LinksField,
    LocalTimeField,
    PeopleField,
    SessionPapersField,
)
from .models import Event, Person, Sponsor, Track
from .values import KINDS, Values, free_slug, store
from .zones import zone_choices

# Files come by upload (papers/uploads.py), and places on the map by computing.
NOT_IN_FORMS = {
    "video_file", "captions_file", "video_poster", "thumbnail_file", "poster_file", "slides_file", "map_x", "map_y",
}  # fmt: skip
_HELP = {
    "links": "One a line: a label, a blank, the address. “Code https://example.org/code”",
    "authors": "One a line, in order. A trailing * marks equal contribution.",
    "people": "One name a line.",
    "chairs": "One name a line.",
    "keywords": "One a line, or parted by commas.",
    "papers": "Ids of papers in order, one a line.",
    "video_url": "A talk at YouTube, Vimeo, SlidesLive or Bilibili.",
    "bibtex": "Made from what stands here, if left empty.",
    "event": "The id of an event; empty: none.",
    "sponsor": "The id of a sponsor; empty: none.",
    "withdrawn": "It leaves all lists; its address says so, and what people wrote is kept.",
    "tldr": "One or two sentences.",
    "abstract": "Line breaks count; formulas in $LaTeX$.",
}
_REFERRED: dict[str, type[models.Model]] = {"event": Event, "sponsor": Sponsor}


class EditForm(forms.Form):
    """Made for one row, or for a new one (`present` empty). `changes()` are the values that differ."""

    version = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        required=False, max_length=300, label="Why", help_text="Kept in the history; may stay empty."
    )

    def __init__(
        self, *args: Any, kind: str, names: Iterable[str], present: Values, source: str, zone: ZoneInfo, **kwargs: Any
    ) -> None:
        self.kind, self.present, self.is_new = kind, present, not present
        names = [name for name in KINDS[kind].fields if name in set(names) and name not in NOT_IN_FORMS]
        if self.is_new:
            names = [name for name in names if name != "withdrawn"]
        kwargs["initial"] = {**present, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        trailing = {name: self.fields.pop(name) for name in ("note", "version")}
        if self.is_new:
            self.fields["key"] = forms.RegexField(
                r"^[^/\\\s]{1,80}$",
                required=False,
                label="Id",
                help_text="Part of its address; made from the title, if left empty.",
            )
        for name in names:
            self.fields[name] = field = self._field(name, source, zone)
            field.label = label_of(name).capitalize()
            if not field.help_text:
                field.help_text = _HELP.get(name, "")
        if not self.is_new:
            self.fields |= trailing

    def _field(self, name: str, source: str, zone: ZoneInfo) -> forms.Field:
        present = self.present.get(name) or []
        if name == "links":
            return LinksField()
        if name == "keywords":
            return KeywordsField()
        if name == "authors":
            return AuthorsField(source=source, known=[item["person"] for item in present])
        if name in ("people", "chairs"):
            return PeopleField(source=source, known=present)
        if name == "papers":
            return SessionPapersField(present=present)
        if name == "track":
            return forms.CharField(
                required=False, max_length=200, widget=_with_list([t.name for t in Track.objects.all()[:200]])
            )
        if name in _REFERRED:
            return forms.CharField(required=False, max_length=160)
        if name == "withdrawn":
            return forms.BooleanField(required=False)
        return _column_field(KINDS[self.kind].model._meta.get_field(name), zone)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for name, model in _REFERRED.items():
            if found.get(name) and not model._default_manager.filter(uid=found[name]).exists():
                self.add_error(name, f"There is no {name} {found[name][:80]}.")
        for first, last in (("starts_at", "ends_at"), ("starts_on", "ends_on")):
            if found.get(first) and found.get(last) and found[last] < found[first]:
                self.add_error(last, "Not before the start was expected.")
        return found

    def changes(self) -> Values:
        """The values of the form as plain values, those that differ from the present ones; new people are made."""
        found = {}
        for name, value in self.cleaned_data.items():
            if name in ("version", "note"):
                continue
            if hasattr(value, "isoformat"):
                value = value.isoformat()
            if isinstance(value, str):
                value = value.replace("\r\n", "\n")  # as browsers send line breaks, whatever they were given
                if not self.is_new and value == str(self.present.get(name) or "").strip():
                    continue  # the form strips what the source may have had around it
            if name in ("authors", "people", "chairs"):
                value = _with_new_people(value)
            if value is None and name in KINDS[self.kind].columns:
                column: Any = KINDS[self.kind].model._meta.get_field(name)
                value = None if column.null else column.get_default()
            if self.is_new or self.present.get(name) != value:
                found[name] = value
        return found


def _with_list(options: list[str]) -> forms.TextInput:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    widget.datalist = options  # type: ignore[attr-defined]
    return widget


def _column_field(column: Any, zone: ZoneInfo) -> forms.Field:
    required = not column.blank and not column.has_default()
    if isinstance(column, models.BooleanField):
        return forms.BooleanField(required=False, help_text=column.help_text)
    if isinstance(column, models.DateTimeField):
        return LocalTimeField(zone=zone)
    if column.choices:
        return forms.ChoiceField(choices=[(value, label) for value, label in column.choices])
    if column.name == "timezone":
        return forms.ChoiceField(choices=[(zone_name, zone_name) for zone_name in zone_choices()])
    if isinstance(column, models.TextField):
        field: forms.Field = forms.CharField(
            required=required, max_length=100_000, widget=forms.Textarea(attrs={"rows": 8})
        )
    else:
        field = (
            column.formfield()
            if not isinstance(column, models.URLField)
            else forms.URLField(required=required, max_length=column.max_length, assume_scheme="https")
        )
        field.required = required
    field.help_text = "" if column.help_text.startswith("[") else column.help_text
    if isinstance(field, forms.DateField):
        field.widget = forms.DateInput(attrs={"type": "date"})
    return field


def _with_new_people(items: list[Any]) -> list[Any]:
    """Slugs in the place of `new:Name`; these people are made, with no source: no import takes them away again."""
    taken: set[str] | None = None

    def slug_of(slug: str) -> str:
        nonlocal taken
        if not slug.startswith("new:"):
            return slug
        name = slug.removeprefix("new:")
        if taken is None:
            taken = set(Person.objects.values_list("slug", flat=True))
        made = free_slug(name, taken, limit=120, otherwise="person", allow_unicode=True)
        store("person", {made: {"name": name}})
        return made

    return [{**item, "person": slug_of(item["person"])} if isinstance(item, dict) else slug_of(item) for item in items]
