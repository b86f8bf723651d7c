"""demos.yml of a native programme folder: demos attached to the source's papers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from papers.importers import reading
from papers.importers.extensions import keeps, register
from papers.importers.merge import merge
from papers.importers.report import Report
from papers.models import Paper

from . import kinds
from .authoring import FIELDS, setup_errors
from .models import Demo

FILE = "demos.yml"


class ExampleIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=120)
    inputs: dict[str, Any]


class DemoIn(BaseModel):
    """One entry of demos.yml."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    slug: str = Field(pattern=r"^[-a-zA-Z0-9_]{1,80}$")
    paper: str | None = None
    kind: str
    title: str = Field(min_length=1, max_length=200)
    description: str = ""
    model: str = Field(pattern=r"^[-a-zA-Z0-9_.]{1,200}$")
    defaults: dict[str, Any] = Field(default_factory=dict)
    limits: dict[str, float] = Field(default_factory=dict)
    examples: list[ExampleIn] = Field(default_factory=list, max_length=20)
    options: dict[str, Any] = Field(default_factory=dict)


@register
def read_demos(folder: Path, source: str, report: Report) -> None:
    """Store the demos of `folder`; a demo that is gone from the file is disabled, its runs are kept."""
    path = folder / FILE
    if not path.is_file():
        return
    entries = reading.read_yaml(path, report.problems)
    if not isinstance(entries, list):
        if entries is not None:
            report.problem(FILE, "", "", type(entries).__name__, "a list of demos")
        return
    added = changed = unchanged = 0
    slugs: set[str] = set()
    for number, entry in enumerate(entries, 1):
        demo = _checked(entry, f"entry {number}", source, report)
        if demo is None:
            continue
        if demo.slug in slugs:
            report.problem(FILE, f"entry {number}", "slug", demo.slug, "each demo once")
            continue
        slugs.add(demo.slug)
        paper = Paper.objects.filter(uid=demo.paper).first() if demo.paper else None
        fixed = {"paper": paper, "kind": demo.kind, "position": number, "source": source}
        said = {**demo.model_dump(exclude={"slug", "paper", "kind"}), "enabled": True}
        existing = Demo.objects.filter(slug=demo.slug).first()
        if existing is None:
            Demo.objects.create(slug=demo.slug, **fixed, **said)
            added += 1
            continue
        # What was edited on the site stays, as everywhere in an import (papers/importers/merge.py).
        ours = {name: getattr(existing, name) for name in said}
        merged = merge(ours=ours, theirs=said, edited=existing.edited, overwrite=False)
        values = {**fixed, **merged.after, "edited": merged.edited}
        if any(getattr(existing, name) != value for name, value in values.items()):
            Demo.objects.filter(pk=existing.pk).update(**values)
            changed += 1
        else:
            unchanged += 1
    gone = Demo.objects.filter(source=source, enabled=True).exclude(slug__in=slugs).update(enabled=False)
    report.count("demos", added=added, changed=changed, unchanged=unchanged, withdrawn=gone)


def _checked(entry: Any, row: str, source: str, report: Report) -> DemoIn | None:
    """The entry, if it can be stored; else its problems are in the report."""
    try:
        demo = DemoIn.model_validate(entry)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False)[:10]:
            place = ".".join(str(part) for part in error["loc"])
            report.problem(FILE, row, place, error.get("input", ""), error["msg"])
        return None
    if demo.kind not in kinds.KINDS:
        report.problem(FILE, row, "kind", demo.kind, f"one of {', '.join(sorted(kinds.KINDS))}")
        return None
    if demo.paper and not Paper.objects.filter(uid=demo.paper).exists():
        report.problem(FILE, row, "paper", demo.paper, "the uid of a paper of this or an earlier source")
        return None
    taken = Demo.objects.filter(slug=demo.slug).exclude(source=source).first()
    if taken is not None:
        report.problem(
            FILE, row, "slug", demo.slug, f"one that source {taken.source or '(made on the site)'!r} has not taken"
        )
        return None
    probe = Demo(slug=demo.slug, kind=demo.kind, **demo.model_dump(include=set(FIELDS)))
    wrong = list(setup_errors(probe))
    for found in wrong:
        place = re.sub(r"^(examples\.\d+)\.", r"\1.inputs.", found.place)
        report.problem(FILE, row, place, found.value, found.message)
    return None if any(found.place == "model" for found in wrong) else demo


@keeps
def with_runs(kind: str, keys: list[str]) -> set[str]:
    """Papers whose demos somebody has run."""
    if kind != "paper":
        return set()
    papers = Paper.objects.filter(uid__in=keys, demos__runs__isnull=False)
    return set(papers.values_list("uid", flat=True))
