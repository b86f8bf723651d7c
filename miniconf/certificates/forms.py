"""The organizers' rules of certificates."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from papers.models import Conference

from .models import CertificateRules


class RulesForm(forms.ModelForm[CertificateRules]):
    class Meta:
        model = CertificateRules
        fields: ClassVar = ["is_on", "who", "available_from"]
        labels: ClassVar = {
            "is_on": "Give out certificates of attendance",
            "who": "Who has attended",
            "available_from": "From which day on",
        }
        help_texts: ClassVar = {
            "who": "Authors, chairs and organizers get one of their part, whether or not they attended in this sense.",
            "available_from": "Empty: the day after the conference.",
        }
        widgets: ClassVar = {"who": forms.RadioSelect, "available_from": forms.DateInput(attrs={"type": "date"})}

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("is_on") and not found.get("available_from") and Conference.current().starts_on is None:
            self.add_error(
                "available_from", "The conference has no days: set the day from which certificates are given."
            )
        return found
