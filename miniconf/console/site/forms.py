"""What organizers type in about the site as a whole."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from miniconf.mail_texts import LONGEST_BODY, LONGEST_SUBJECT, MailText, Words, problems_of
from papers.file_checks import BadFile
from papers.models import Conference, Page

from ..models import Appearance
from . import colours
from .logo import read_logo
from .menu import BUILT_IN, PAGE, PLACES, Entry, is_address

CONFERENCE_FIELDS = ("name", "tagline", "about", "starts_on", "ends_on", "timezone")
ACCESS_FIELDS = ("members_only", "anonymous_runs", "open_registration", "approve_author_edits")
SAME, OWN = "same", "own"


def _choice(label: str, help_text: str, yes: str, no: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        help_text=help_text,
        choices=[("yes", yes), ("no", no)],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )


class AccessForm(forms.Form):
    """The conference's rules, as choices with names."""

    members_only = _choice(
        "Who may read",
        "Papers, schedule, conversations and files. The way in, and what it looks like, are open to everybody.",
        "Members only",
        "Everybody",
    )
    anonymous_runs = _choice(
        "Who may run demos",
        "Visitors share what one address may run in a minute. On a site that members read, visitors run nothing.",
        "Everybody who may read",
        "Members only",
    )
    open_registration = _choice(
        "Who may make an account",
        "Whoever has an account is a member, and may write: messages, questions and answers are never anonymous.",
        "Anybody with an address",
        "Who was invited or stands on the list",
    )
    approve_author_edits = _choice(
        "What authors change on their papers", "Organizers find what waits under Changes.",
        "Waits for an organizer", "Is shown at once",
    )  # fmt: skip

    @classmethod
    def of(cls, conference: Conference, data: Any = None) -> AccessForm:
        return cls(data, initial={name: "yes" if getattr(conference, name) else "no" for name in ACCESS_FIELDS})

    def changes(self, conference: Conference) -> dict[str, bool]:
        return {name: value for name, value in self.cleaned_data.items() if value != getattr(conference, name)}


class ColourField(forms.RegexField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            r"^#[0-9a-fA-F]{6}$",
            widget=forms.TextInput(attrs={"type": "color"}),
            error_messages={"invalid": "A colour was expected, like #0a5462."},
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        return str(super().clean(value)).lower()


class LookForm(forms.Form):
    accent = ColourField(label="Accent colour", help_text="Links, buttons and what is chosen, on light pages.")
    dark = forms.ChoiceField(
        label="On dark pages",
        choices=[(SAME, "The same hue, made light enough"), (OWN, "A colour of its own:")],
        widget=forms.RadioSelect,
    )
    accent_dark = ColourField(label="Accent colour on dark pages", required=False)
    logo = forms.FileField(
        required=False,
        label="Picture",
        help_text="PNG, JPEG or WebP, at most 2 MB; shown 36 pixels high beside the name. Transparent ones should be "
        "seen on dark pages, too.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    logo_alone = forms.BooleanField(required=False, label="The logo says the name: show it alone")
    no_logo = forms.BooleanField(required=False, label="Take the logo away")

    given = ("", "")  # the colours that were sent, whether or not they can be read

    @classmethod
    def of(cls, chosen: Appearance, data: Any = None, files: Any = None) -> LookForm:
        accent = chosen.accent or colours.USUAL[0]
        initial = {
            "accent": accent,
            "dark": OWN if chosen.accent_dark else SAME,
            "accent_dark": chosen.accent_dark or (colours.dark_of(accent) if chosen.accent else colours.USUAL[1]),
            "logo_alone": chosen.logo_alone,
        }
        return cls(data, files, initial=initial)

    def clean_logo(self) -> bytes | None:
        file = self.cleaned_data["logo"]
        if not file:
            return None
        try:
            return read_logo(file)
        except BadFile as bad:
            raise ValidationError(f"{str(bad)[:1].upper()}{str(bad)[1:]}.") from None

    def colours(self) -> tuple[str, str]:
        """Of light and of dark pages, as the form has them; whatever is no colour is the site's own."""
        accent, accent_dark = self.given
        accent = accent or colours.USUAL[0]
        own = accent_dark if self.cleaned_data.get("dark") == OWN else ""
        return accent, own or (colours.USUAL[1] if accent == colours.USUAL[0] else colours.dark_of(accent))

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        self.given = found.get("accent", ""), found.get("accent_dark", "")
        light, dark = self.colours()
        for field, colour, is_dark in (("accent", light, False), ("accent_dark", dark, True)):
            if field in self.errors or colours.can_be_read(colour, dark=is_dark):
                continue
            worst = min(colours.samples(colour, dark=is_dark), key=lambda sample: sample.ratio)
            self.add_error(
                field,
                f"{colour} cannot be read well on {'dark' if is_dark else 'light'} pages: {worst.what} have a contrast "
                f"of {worst.ratio:.1f}, and {colours.WANTED} was expected. {colours.nearest(colour, dark=is_dark)} can.",
            )
        return found

    def chosen_colours(self) -> tuple[str, str]:
        """As they are kept: blank where they are the site's own, or made from the other."""
        accent = "" if self.cleaned_data["accent"] == colours.USUAL[0] else self.cleaned_data["accent"]
        own = self.cleaned_data["accent_dark"] if self.cleaned_data["dark"] == OWN else ""
        return accent, "" if not accent and own == colours.USUAL[1] else own


class EntryForm(forms.Form):
    """A line of the menu."""

    what = forms.CharField(widget=forms.HiddenInput, max_length=500)
    label = forms.CharField(required=False, max_length=60, label="Called")
    place = forms.ChoiceField(choices=list(PLACES.items()), label="Stands in")

    def clean_what(self) -> str:
        what: str = self.cleaned_data["what"]
        if what in BUILT_IN or is_address(what):
            return what
        if what.startswith(PAGE) and Page.objects.filter(slug=what.removeprefix(PAGE)).exists():
            return what
        raise ValidationError("This page was deleted meanwhile.")

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        what = found.get("what", "")
        if what and what not in BUILT_IN and not what.startswith(PAGE) and not found.get("label"):
            self.add_error("label", "A link needs a name.")
        return found

    def entry(self) -> Entry:
        return Entry(self.cleaned_data["what"], self.cleaned_data["label"].strip(), self.cleaned_data["place"])


class NewLinkForm(forms.Form):
    label = forms.CharField(max_length=60, label="Name")
    url = forms.CharField(max_length=500, label="Address", help_text="https://…, or /papers/?track=… of this site")
    place = forms.ChoiceField(choices=[(name, label) for name, label in PLACES.items() if name != "hidden"], label="In")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        if not is_address(url):
            raise ValidationError("An address was expected: https://…, or one of this site that begins with a slash.")
        return url

    def entry(self) -> Entry:
        return Entry(self.cleaned_data["url"], self.cleaned_data["label"].strip(), self.cleaned_data["place"])


class WordsForm(forms.Form):
    """The words of one mail."""

    subject = forms.CharField(max_length=LONGEST_SUBJECT)
    body = forms.CharField(
        max_length=LONGEST_BODY, label="Text", widget=forms.Textarea(attrs={"rows": 16, "class": "words-body"})
    )

    def __init__(self, *args: Any, text: MailText, **kwargs: Any) -> None:
        self.text = text
        super().__init__(*args, **kwargs)

    def words(self) -> Words:
        return Words(self.cleaned_data["subject"], self.cleaned_data["body"].replace("\r\n", "\n"))

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            for field, sentences in problems_of(self.text, self.words()).items():
                for sentence in sentences:
                    self.add_error(field, sentence)
        return found
