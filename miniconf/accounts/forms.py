"""What people type in about themselves."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import ClassVar
from zoneinfo import available_timezones

from allauth.account.forms import ConfirmLoginCodeForm, RequestLoginCodeForm
from django import forms

from miniconf.people.admission import may_make_account

from .models import ApiToken, User
from .services import account_for_code


@cache
def timezone_choices() -> list[tuple[str, str]]:
    """IANA zones by name, without the aliases of old systems."""
    zones = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/"))
    )
    return [("", "As in my browser"), ("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in zones)]


class RequestCodeForm(RequestLoginCodeForm):
    """One form for old and new people: whether an account exists shows neither here nor in the answer."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail address"
        self.fields["email"].widget.attrs.update(
            {"autocomplete": "email", "autofocus": True, "placeholder": "", "spellcheck": "false"}
        )

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if email:
            self._user = account_for_code(email=email, may_create=may_make_account(email))
        return email


class ConfirmCodeForm(ConfirmLoginCodeForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(
            {"autofocus": True, "placeholder": "", "spellcheck": "false", "autocapitalize": "characters", "size": 12}
        )


def clean_name(text: str) -> str:
    """Somebody's name in its one spelling. Raises ValidationError."""
    name = " ".join(text.split())
    if not any(unicodedata.category(letter).startswith("L") for letter in name):
        raise forms.ValidationError("A name needs at least one letter.")
    if any(unicodedata.category(letter) == "Cc" or letter in "\u202a\u202b\u202d\u202e\u2066\u2067" for letter in name):
        raise forms.ValidationError("The name contains control characters; please type it anew.")
    return name


def fit_name(text: str) -> str:
    """A name that somebody else tells, as far as it could have been typed in here; blank where it could not."""
    try:
        return clean_name(text)[:120]
    except forms.ValidationError:
        return ""


class ProfileForm(forms.ModelForm):
    timezone = forms.ChoiceField(choices=timezone_choices, required=False, label="Time zone")

    class Meta:
        model = User
        fields: ClassVar = ["name", "affiliation", "timezone"]
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "affiliation": forms.TextInput(attrs={"autocomplete": "organization"}),
        }
        help_texts: ClassVar = {
            "name": "Shown with what you write.",
            "affiliation": "University, company or city; may stay empty.",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["name"].required = True

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class TokenForm(forms.ModelForm):
    class Meta:
        model = ApiToken
        fields: ClassVar = ["name"]
        labels: ClassVar = {"name": "What is it for?"}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"placeholder": "laptop", "autocomplete": "off"})}
