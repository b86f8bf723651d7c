"""The form that members fill in, made of a form's questions, and the one in which organizers set them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from .answering import LONGEST_ANSWER
from .models import Question

MOST_QUESTIONS = 12
MOST_OPTIONS = 12
LONGEST_OPTION = 120


class AnswerForm(forms.Form):
    """A field `q<id>` for each question."""

    def __init__(self, data: Any = None, *, questions: Sequence[Question], given: dict[int, Any]) -> None:
        super().__init__(data, initial={f"q{pk}": value for pk, value in given.items()})
        self.questions = questions
        for question in questions:
            self.fields[f"q{question.pk}"] = _field(question)

    def answers(self) -> dict[int, Any]:
        return {question.pk: self.cleaned_data.get(f"q{question.pk}") for question in self.questions}


def _field(question: Question) -> forms.Field:
    common: dict[str, Any] = {"label": question.text, "required": question.required}
    if question.kind == Question.Kind.TEXT:
        return forms.CharField(
            max_length=LONGEST_ANSWER, widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_ANSWER}), **common
        )
    values: list[tuple[Any, str]] = [(option, option) for option in question.options]
    if question.kind == Question.Kind.RATING:
        values = [(number, str(number)) for number in range(1, 6)]
    if not question.required:
        values.append(("", "No answer"))
    return forms.TypedChoiceField(
        choices=values,
        coerce=int if question.kind == Question.Kind.RATING else str,
        empty_value=None,
        widget=forms.RadioSelect,
        initial="",
        **common,
    )


class SwitchForm(forms.Form):
    """On or off, with or without names."""

    is_on = forms.BooleanField(required=False, label="Ask for feedback")
    anonymous = forms.TypedChoiceField(
        label="Names",
        choices=[
            ("yes", "Answers are kept without names"),
            ("no", "Answers are kept with the name of whoever gave them"),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        help_text="People are told which it is. It is fixed with the first answer.",
    )
    intro = forms.CharField(
        max_length=500, required=False, label="Above the questions", widget=forms.Textarea(attrs={"rows": 2})
    )


class QuestionForm(forms.Form):
    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(max_length=300, label="Question", required=False)
    kind = forms.ChoiceField(choices=Question.Kind.choices, label="Kind", initial=Question.Kind.RATING)
    options = forms.CharField(
        required=False,
        label="To choose from",
        help_text=f"One a line, at most {MOST_OPTIONS}",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    required = forms.BooleanField(required=False, label="Must be answered")
    remove = forms.BooleanField(required=False, label="Ask no more")

    def clean_options(self) -> list[str]:
        lines = [" ".join(line.split()) for line in self.cleaned_data["options"].splitlines()]
        found = list(dict.fromkeys(line for line in lines if line))
        if len(found) > MOST_OPTIONS or any(len(line) > LONGEST_OPTION for line in found):
            raise ValidationError(f"At most {MOST_OPTIONS} lines of {LONGEST_OPTION} characters were expected.")
        return found

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("text") and found.get("kind") == Question.Kind.CHOICE and len(found.get("options", [0, 0])) < 2:
            self.add_error("options", "At least two lines were expected: there is something to choose then.")
        return found


QuestionForms = forms.formset_factory(
    QuestionForm, extra=2, max_num=MOST_QUESTIONS, absolute_max=2 * MOST_QUESTIONS, validate_max=True
)
