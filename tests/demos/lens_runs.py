"""Runs of kinds on the engine of small models: validated, run and recorded as a worker does, without a queue between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client


@dataclass
class Record:
    """A log that keeps what a run told."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def started(self) -> None:
        pass

    def tokens(self, tokens, stream=0) -> None:
        self.events += [{"type": "token", **token} for token in tokens]

    def emit(self, type, data, *, key="") -> None:
        self.events.append({"type": type, "key": key, **data})

    def progress(self, done, total, label="") -> None:
        pass

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


@dataclass
class Ran:
    run: Any
    output: dict[str, Any]
    log: Record

    def page(self) -> str:
        answer = Client().get(f"/runs/{self.run.pk}/")
        assert answer.status_code == 200
        return answer.content.decode()

    def part(self, name: str) -> bytes:
        answer = Client().get(f"/runs/{self.run.pk}/parts/{name}")
        assert answer.status_code == 200, name
        return b"".join(answer.streaming_content) if answer.streaming else answer.content


def older_pages(run) -> list[int]:
    """How the run's pages answer where it was asked for before the kind had those inputs that were left as they are."""
    from demos import kinds
    from demos.models import Run

    declared = kinds.get(run.demo.kind).complete({})
    given = {name: value for name, value in run.inputs.items() if name not in declared or value != declared[name]}
    Run.objects.filter(pk=run.pk).update(inputs=given)
    found = [Client().get(f"/runs/{run.pk}/{page}").status_code for page in ("", "result/", "card/")]
    Run.objects.filter(pk=run.pk).update(inputs=run.inputs)
    return found


@pytest.fixture
def run_kind(lens_engine, lens_folders, settings, db, tmp_path) -> Callable[..., Ran]:
    """`run_kind("attention", "bert", text=...)`; `options`, `paper` and `stop` are the demo's and the run's."""
    from demos import kinds
    from demos.kinds.base import RunContext
    from demos.models import Demo, Run
    from demos.parts import RunParts
    from papers.models import Conference

    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"anonymous_runs": True})
    for name, folder in lens_folders.items():
        (tmp_path / name).symlink_to(folder)
    settings.MODELS_DIR = tmp_path

    def run(kind_name: str, model: str, *, options=None, paper=None, stop=False, **inputs) -> Ran:
        kind = kinds.get(kind_name)
        demo, _ = Demo.objects.get_or_create(
            slug=f"{kind_name}-{model}",
            defaults={"kind": kind_name, "model": model, "title": kind.title, "options": options or {}, "paper": paper},
        )
        clean = kind.validate(demo, inputs)
        row = Run.objects.create(demo=demo, inputs=clean, visitor="f00dface", state=Run.State.RUNNING)
        log = Record()
        context = RunContext(
            engine=lens_engine,
            model=model,
            inputs=clean,
            log=log,
            watch_cancel=lambda cancel: cancel() if stop else None,
            models=kind.models_for(demo, clean),
            options=kind.options_for(demo),
            parts=RunParts(row, log),
        )
        output = kind.run(context)
        Run.objects.filter(pk=row.pk).update(state=Run.State.SUCCEEDED, output=output)
        row.refresh_from_db()
        assert older_pages(row) == [200, 200, 200]
        return Ran(row, output, log)

    return run


@pytest.fixture
def refused(run_kind):
    """The sentences with which inputs are refused, by field."""
    from miniconf.problems import Problem

    def refuse(kind: str, model: str, **inputs) -> dict[str, str]:
        with pytest.raises(Problem) as problem:
            run_kind(kind, model, **inputs)
        return {error["field"]: error["message"] for error in problem.value.extra["errors"]}

    return refuse
