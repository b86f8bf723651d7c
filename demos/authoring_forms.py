"""The form in which a demo is set up, made for its kind: what it is, options, presets, bounds, examples."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from miniconf.problems import Problem

from .authoring import FIELDS, MOST_EXAMPLES, allowed_models
from .example_files import read_examples
from .kinds import Kind
from .limits import OF_A_DEMO
from .models import Demo
from .setup_fields import field_for, schemas

Values = dict[str, Any]


class SetupForm(forms.Form):
    """`setup()` are the values of a demo besides its examples; empty fields leave presets and bounds to the kind."""

    title = forms.CharField(max_length=200)
    description = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Markdown. What the model is, what to try, what not to believe.",
    )
    model = forms.CharField(max_length=200)
    examples_file = forms.FileField(
        required=False,
        label="Examples from a file",
        help_text="JSON objects, one a line (.jsonl), or a table (.csv, .tsv): a column “title” and one for each input.",
        widget=forms.FileInput(attrs={"accept": ".jsonl,.ndjson,.csv,.tsv"}),
    )
    note = forms.CharField(
        required=False, max_length=300, label="Why", help_text="Kept in the history; may stay empty."
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: Kind, demo: Demo, any_model: bool, **kwargs: Any) -> None:
        self.kind, self.demo = kind, demo
        self.uploaded: list[Any] = []
        self.names: dict[str, list[str]] = {"presets": [], "limits": [], "options": []}
        initial = {"title": demo.title, "description": demo.description, "model": demo.model}
        initial |= {f"preset_{name}": value for name, value in demo.defaults.items()}
        initial |= {f"limit_{name}": value for name, value in demo.limits.items()}
        initial |= {f"option_{name}": value for name, value in demo.options.items()}
        kwargs["initial"] = {**initial, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        models = allowed_models()
        if any_model:
            self.fields["model"].widget = forms.TextInput(attrs={"list": "models-here", "autocomplete": "off"})
            self.fields[
                "model"
            ].help_text = "A model installed here, or another by its name; authors choose from those."
        else:
            choices = [(name, name) for name in models]
            self.fields["model"] = forms.ChoiceField(choices=choices, help_text="Models that this site offers.")
        self.models = models
        presets = kind.inputs_for(Demo(kind=kind.name, defaults={}))
        for name, schema in schemas(kind.Inputs).items():
            if name not in kind.not_preset:
                self._add("presets", f"preset_{name}", field_for(name, schema, preset=presets.get(name)))
        for name, schema in schemas(kind.Options).items():
            self._add("options", f"option_{name}", field_for(name, schema, preset=schema.get("default")))
        for name, bounds in kind.limits_for(Demo(kind=kind.name, limits={})).items():
            if "maximum" in bounds and name not in kind.not_preset and name != "seed":
                self._add_limit(name, name.replace("_", " ").capitalize(), bounds["maximum"])
        for name, (label, most) in {**kind.further_limits, **OF_A_DEMO}.items():
            self._add_limit(name, label, most)

    def _add(self, group: str, name: str, field: forms.Field) -> None:
        self.fields[name] = field
        self.names[group].append(name)

    def _add_limit(self, name: str, label: str, most: float) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "placeholder": f"{most:g}"})
        self._add("limits", f"limit_{name}", forms.FloatField(required=False, label=label, widget=widget))

    # For the template, which shows them in parts.
    def presets(self) -> list[Any]:
        return [self[name] for name in self.names["presets"]]

    def limits(self) -> list[Any]:
        return [self[name] for name in self.names["limits"]]

    def options(self) -> list[Any]:
        return [self[name] for name in self.names["options"]]

    def _given(self, group: str) -> Values:
        found = {name.partition("_")[2]: self.cleaned_data.get(name) for name in self.names[group]}
        return {name: value for name, value in found.items() if value is not None and value != ""}

    def setup(self) -> Values:
        limits = {name: int(value) if value == int(value) else value for name, value in self._given("limits").items()}
        return {
            "title": self.cleaned_data["title"],
            "description": self.cleaned_data["description"].replace("\r\n", "\n"),
            "model": self.cleaned_data["model"],
            "defaults": self._given("presets"),
            "limits": limits,
            "options": self._given("options"),
        }

    def clean(self) -> Values | None:
        cleaned = super().clean()
        file = self.cleaned_data.get("examples_file")
        if file is not None and not self.errors:
            probe = Demo(kind=self.kind.name, **{name: value for name, value in self.setup().items() if name in FIELDS})
            self.uploaded, problems = read_examples(file.name, file.read(), probe)
            for problem in problems:
                self.add_error("examples_file", problem)
        return cleaned

    def show(self, problem: Problem, examples: list[ExampleForm]) -> None:
        """Put each error of a setup at its field."""
        errors = problem.extra.get("errors", []) or [{"field": "", "message": problem.detail}]
        for error in errors:
            place, _, rest = error["field"].partition(".")
            number, _, name = rest.partition(".")
            if place == "examples" and number.isdigit() and int(number) <= len(examples):
                examples[int(number) - 1].show(name, error["message"])
                continue
            field = {"defaults": "preset_", "limits": "limit_", "options": "option_"}.get(place, "") + (rest or place)
            at = field if field in self.fields else None
            self.add_error(
                at, error["message"] if at or not error["field"] else f"{error['field']}: {error['message']}"
            )


class ExampleForm(forms.Form):
    """An example: a title and the inputs that it sets; the others are preset."""

    title = forms.CharField(max_length=120, required=False)

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        # Above all the input by which a run is recognized; the rest is folded away.
        names = [name for name in schemas(kind.Inputs) if name not in kind.not_preset]
        for name in sorted(names, key=lambda name: name != kind.headline):
            self.fields[f"input_{name}"] = field_for(name, schemas(kind.Inputs)[name])

    def main(self) -> list[Any]:
        return [self["title"], *(self[name] for name in self._inputs() if name == f"input_{self.kind.headline}")]

    def more(self) -> list[Any]:
        return [self[name] for name in self._inputs() if name != f"input_{self.kind.headline}"]

    def more_errors(self) -> bool:
        return any(field.errors for field in self.more())

    def _inputs(self) -> list[str]:
        return [name for name in self.fields if name.startswith("input_")]

    def inputs(self) -> Values:
        found = {name.removeprefix("input_"): self.cleaned_data.get(name) for name in self._inputs()}
        return {name: value for name, value in found.items() if value is not None and value != ""}

    def clean(self) -> Values | None:
        cleaned = super().clean()
        if not self.errors and (self.has_changed() or not self.empty_permitted):
            if not self.cleaned_data.get("title"):
                raise ValidationError({"title": "A title was expected."})
            if not self.inputs():
                raise ValidationError("At least one input was expected.")
        return cleaned

    def show(self, name: str, message: str) -> None:
        at = f"input_{name}" if f"input_{name}" in self.fields else None
        self.add_error(at, message if at else f"{name}: {message}")


class BaseExamples(forms.BaseFormSet):
    """The examples typed in; those without content are none."""

    def given(self) -> list[ExampleForm]:
        gone = set(map(id, self.deleted_forms))
        typed = [form for n, form in enumerate(self.forms) if n < self.initial_form_count() or form.has_changed()]
        return [form for form in typed if id(form) not in gone]

    def examples(self) -> list[Values]:
        return [{"title": form.cleaned_data["title"], "inputs": form.inputs()} for form in self.given()]


Examples = forms.formset_factory(
    ExampleForm,
    formset=BaseExamples,
    extra=1,
    max_num=MOST_EXAMPLES,
    absolute_max=MOST_EXAMPLES + 10,
    validate_max=True,
    can_delete=True,
)


def initial_examples(demo: Demo) -> list[Values]:
    return [
        {"title": example["title"], **{f"input_{name}": value for name, value in example["inputs"].items()}}
        for example in demo.examples
    ]
