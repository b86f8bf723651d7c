"""Form fields for the values of the programme that are not plain text: lists of links, people, keywords, papers; times."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from .importers.records import is_web_address
from .models import Keyword, Paper, Person
from .value_lists import presentation

MOST_LINES = 400


class LinesField(forms.CharField):
    """A list as text, one item a line. `to_line` and `from_line` know what an item is."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.widget.attrs.setdefault("rows", 4)

    def to_line(self, item: Any) -> str:
        return str(item)

    def from_line(self, line: str) -> Any:
        return line

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(self.to_line(item) for item in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[Any]:
        lines = [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]
        if len(lines) > MOST_LINES:
            raise ValidationError(f"At most {MOST_LINES} lines; these are {len(lines)}.")
        return [self.from_line(line) for line in lines]


class LinksField(LinesField):
    """`Label https://…`, one a line."""

    def to_line(self, item: dict[str, str]) -> str:
        return f"{item['label']} {item['url']}"

    def from_line(self, line: str) -> dict[str, str]:
        label, _, url = line.rpartition(" ")
        if not label.strip() or not is_web_address(url) or len(url) > 500 or len(label) > 80:
            raise ValidationError(f"“{line[:80]}”: a label and an address were expected, like “Code https://…”.")
        return {"label": label.strip(), "url": url}


class KeywordsField(LinesField):
    """One keyword a line, or parted by commas."""

    def clean(self, value: Any) -> list[str]:
        names = sorted({name.strip() for line in super().clean(value) for name in line.split(",") if name.strip()})
        longest = Keyword._meta.get_field("name").max_length or 200
        if long := [name for name in names if len(name) > longest]:
            raise ValidationError(f"“{long[0][:80]}”: at most {longest} characters were expected.")
        return names


class PeopleField(LinesField):
    """Names, one a line; `Name (slug)` where several people have the name. Unknown names become new people."""

    def __init__(self, *, source: str, known: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.known = known  # slugs that are in the list already: they are preferred
        self.new: dict[str, str] = {}  # slug -> name of people to be made

    def slug_of(self, line: str) -> str:
        match = re.fullmatch(r"(.+?)\s*\(([^()\s]+)\)", line)
        if match and Person.objects.filter(slug=match[2]).exists():
            return match[2]
        people = list(Person.objects.filter(name=line)[:20])
        people.sort(key=lambda person: (person.slug not in self.known, person.source != self.source))
        if people:
            first, *rest = people
            clear = first.slug in self.known or not rest or first.source == self.source != rest[0].source
            if not clear:
                slugs = ", ".join(f"{line} ({person.slug})" for person in people)
                raise ValidationError(f"Several people are called {line}: write one of {slugs}.")
            return first.slug
        if len(line) > 200:
            raise ValidationError(f"“{line[:80]}…”: a name of at most 200 characters was expected.")
        return f"new:{line}"

    def from_line(self, line: str) -> Any:
        return self.slug_of(line)

    def to_line(self, item: Any) -> str:
        slug = item["person"] if isinstance(item, dict) else item
        person = Person.objects.filter(slug=slug).first()
        name = person.name if person else slug
        twice = person is not None and Person.objects.filter(name=person.name).exclude(pk=person.pk).exists()
        star = " *" if isinstance(item, dict) and item["equal_contribution"] else ""
        return f"{name} ({slug}){star}" if twice else f"{name}{star}"

    def clean(self, value: Any) -> list[Any]:
        return sorted(set(super().clean(value)))


class AuthorsField(PeopleField):
    """Names in order; a trailing `*` marks equal contribution."""

    def from_line(self, line: str) -> dict[str, Any]:
        name = line.rstrip("* ")
        return {"person": self.slug_of(name), "equal_contribution": name != line.rstrip()}

    def clean(self, value: Any) -> list[Any]:
        items = LinesField.clean(self, value)
        slugs = [item["person"] for item in items]
        if twice := [slug for slug in slugs if slugs.count(slug) > 1]:
            raise ValidationError(f"{twice[0].removeprefix('new:')} stands twice; each author once was expected.")
        return items


class SessionPapersField(LinesField):
    """Ids of papers in order, one a line. Their own times and links, if they have any, stay with them."""

    def __init__(self, *, present: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.present = {item["paper"]: item for item in present}

    def to_line(self, item: dict[str, Any]) -> str:
        return str(item["paper"])

    def clean(self, value: Any) -> list[Any]:
        uids = list(dict.fromkeys(super().clean(value)))
        found = set(Paper.objects.filter(uid__in=uids).values_list("uid", flat=True))
        if missing := [uid for uid in uids if uid not in found]:
            raise ValidationError(
                f"There is no paper {missing[0][:80]}; ids of papers were expected, upper and lower case counts."
            )
        return [self.present.get(uid) or presentation(uid, None, None, "") for uid in uids]


class LocalTimeField(forms.CharField):
    """A time on the clocks of one zone, as the browser's own picker gives it; a plain value in UTC."""

    def __init__(self, *, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), **kwargs)
        self.zone = zone
        self.help_text = f"On the clocks of {zone.key}"

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) and value.endswith("+00:00"):
            return dt.datetime.fromisoformat(value).astimezone(self.zone).strftime("%Y-%m-%dT%H:%M")
        return value

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            local = dt.datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError("A day and a time were expected, like 2027-05-03T09:00.") from None
        time = local.replace(tzinfo=self.zone)
        if time.astimezone(dt.UTC).astimezone(self.zone).replace(tzinfo=None) != local:
            raise ValidationError(f"The clocks of {self.zone.key} skip this time; another one was expected.")
        return time.astimezone(dt.UTC).isoformat()
