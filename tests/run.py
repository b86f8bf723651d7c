"""`make test`: style, types, all tests on SQLite, and the database's tests again on PostgreSQL.

Prints what each step says and ends with one line, "N passed, N failed, N skipped"; the exit code is 0 only when
nothing failed. With CI=true nothing may be missing: no PostgreSQL or no Chromium is a failure then. `--lint` stops
after style and types; anything else goes to pytest, and style and types are left out.

Many tests drive real processes, and a busy machine can starve one. A few failed tests are therefore run once more, by
themselves in a fresh process; those that pass then are named in the summary as unsteady, to be mended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.postgres import binary_folder, throw_away_server  # noqa: E402
from tests.running import CI  # noqa: E402

PYTHON = [sys.executable, "-m"]
MOST_REPEATED = 8  # failed tests that are worth a second try; more are no accident
LINT = {
    "ruff check": [*PYTHON, "ruff", "check", "."],
    "ruff format": [*PYTHON, "ruff", "format", "--check", "."],
    "mypy": [*PYTHON, "mypy", "."],
}


@dataclass
class Step:
    name: str
    ok: bool
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unsteady: list[str] = field(default_factory=list)


def run(name: str, command: list[str], *, fine: tuple[int, ...] = (0,), **environment: str) -> Step:
    heading(name)
    began = time.monotonic()
    ok = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode in fine
    return Step(name, ok, time.monotonic() - began, passed=int(ok), failed=int(not ok))


def run_pytest(name: str, arguments: list[str], **environment: str) -> Step:
    # Of the tests that were asked for, none may need a database: pytest's exit code is 5 then.
    fine = (0, 5) if "DATABASE_URL" in environment else (0,)
    with tempfile.TemporaryDirectory() as folder:
        report, cache = Path(folder) / "report.xml", Path(folder) / "cache"
        command = [*PYTHON, "pytest", f"--junit-xml={report}", "-o", f"cache_dir={cache}", "-rs"]
        step = run(name, [*command, *arguments], fine=fine, **environment)
        step.passed = step.failed = 0
        if report.exists():
            step.passed, step.failed, step.skipped = counts(report)
        if 0 < step.failed <= MOST_REPEATED:
            failed = sorted(json.loads((cache / "v/cache/lastfailed").read_text()))
            again = run(f"{name}: the failed ones again", [*command, "--last-failed", *arguments], **environment)
            if again.ok and counts(report)[0] == len(failed) == step.failed:
                step.ok, step.unsteady = True, failed
                step.passed, step.failed = step.passed + step.failed, 0
            step.seconds += again.seconds
        if not step.ok:
            step.failed = max(1, step.failed)  # a run that broke off counts as a failure
    return step


def counts(report: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped) of a JUnit report."""
    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
    total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return max(0, total - failed - skipped), failed, skipped


def run_on_postgresql(arguments: list[str]) -> Step:
    name = "pytest on PostgreSQL"
    selected = ["-m", "not browser and not stack", *arguments]
    given = os.environ.get("TEST_DATABASE_URL")
    if not given and binary_folder() is None:
        heading(name)
        print("skipped: no PostgreSQL here (install postgresql, or set TEST_DATABASE_URL)")
        return Step(name, ok=not CI, seconds=0, failed=int(CI), skipped=int(not CI))
    with ExitStack() as stack:
        try:
            url = given or stack.enter_context(throw_away_server())
        except (RuntimeError, subprocess.CalledProcessError) as error:
            heading(name)
            print(error)
            return Step(name, ok=False, seconds=0, failed=1)
        return run_pytest(name, selected, DATABASE_URL=url)


def heading(name: str) -> None:
    print(f"\n--- {name} {'-' * (100 - len(name))}", flush=True)


def main(arguments: list[str]) -> int:
    steps = []
    if not arguments or arguments == ["--lint"]:
        steps += [run(name, command) for name, command in LINT.items()]
    if arguments != ["--lint"]:
        steps += [run_pytest("pytest", arguments), run_on_postgresql(arguments)]
    heading("summary")
    for step in steps:
        told = f"{step.passed} passed, {step.failed} failed, {step.skipped} skipped"
        print(f"{'ok    ' if step.ok else 'FAILED'} {step.name:<24} {step.seconds:6.1f} s   {told}")
        for test in step.unsteady:
            print(f"       unsteady, passed when run again by itself: {test}")
    print(
        f"{sum(step.passed for step in steps)} passed, {sum(step.failed for step in steps)} failed, "
        f"{sum(step.skipped for step in steps)} skipped"
    )
    return 0 if all(step.ok for step in steps) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
