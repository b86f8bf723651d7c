"""Days after which something is deleted."""

from __future__ import annotations

from typing import Any

from django import forms

from .retention import LONGEST, RULES


class RetentionForm(forms.Form):
    """A field for each rule; empty: it is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for rule in RULES:
            self.fields[rule.field] = forms.IntegerField(
                required=False, min_value=1, max_value=LONGEST, label=rule.title, help_text=rule.what
            )
