"""What organizers type in about people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from papers.models import Conference

from . import admission, roles
from .models import AdmissionRule, Role

LARGEST_FILE = 20_000_000  # bytes


class PeopleFile(forms.Form):
    file = forms.FileField(
        label="Table of people",
        help_text="CSV, TSV or XLSX with a column “email”, perhaps “name” and “affiliation”. Nothing is changed yet.",
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise ValidationError(f"The file has {file.size:,} bytes; at most {LARGEST_FILE:,} are read.")
        return file


class AdmissionForm(forms.Form):
    open_registration = forms.BooleanField(required=False, label="Anybody may make an account")
    rules = forms.CharField(
        required=False,
        label="Else, besides invited people",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="One address or domain on each line: ada@example.org, @example.org",
    )

    @classmethod
    def current(cls) -> AdmissionForm:
        rules = "\n".join(AdmissionRule.objects.values_list("pattern", flat=True)[: admission.MOST_RULES])
        return cls(initial={"open_registration": Conference.current().open_registration, "rules": rules})

    def save(self) -> None:
        """Raises ValidationError naming the lines that are wrong; then nothing is changed."""
        admission.set_rules(self.cleaned_data["rules"])
        conference = Conference.current()
        conference.open_registration = self.cleaned_data["open_registration"]
        conference.save(update_fields=["open_registration"])


class RoleForm(forms.Form):
    kind = forms.ChoiceField(choices=Role.Kind.choices, label="Role")
    key = forms.CharField(
        required=False, max_length=160, label="Of", help_text="Id of the session or sponsor, as in its address"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        try:
            roles.find_place(cleaned.get("kind", ""), cleaned.get("key", "").strip())
        except LookupError as error:
            self.add_error("key", str(error))
        return cleaned
