"""`make test`: style, types, all tests on SQLite, and the database's tests again on PostgreSQL.

Prints what each step says and ends with one line, "N passed, N failed, N skipped"; the exit code is 0 only when
nothing failed. With CI=true nothing may be missing: no PostgreSQL or no Chromium is a failure then. `--lint` stops
after style and types; anything else goes to pytest, and style and types are left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.postgres import binary_folder, throw_away_server  # noqa: E402
from tests.running import CI  # noqa: E402

PYTHON = [sys.executable, "-m"]
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


def run(name: str, command: list[str], *, fine: tuple[int, ...] = (0,), **environment: str) -> Step:
    heading(name)
    began = time.monotonic()
    ok = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode in fine
    return Step(name, ok, time.monotonic() - began, passed=int(ok), failed=int(not ok))


def run_pytest(name: str, arguments: list[str], **environment: str) -> Step:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [*PYTHON, "pytest", f"--junit-xml={report}", "-rs", *arguments]
        # Of the tests that were asked for, none may need a database: pytest's exit code is 5 then.
        step = run(name, command, fine=(0, 5) if "DATABASE_URL" in environment else (0,), **environment)
        step.passed = step.skipped = 0
        if report.exists():
            suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
            total, step.skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            step.failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            step.passed = max(0, total - step.failed - step.skipped)
        if not step.ok:
            step.failed = max(1, step.failed)  # a run that broke off counts as a failure
    return step


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
        counts = f"{step.passed} passed, {step.failed} failed, {step.skipped} skipped"
        print(f"{'ok    ' if step.ok else 'FAILED'} {step.name:<24} {step.seconds:6.1f} s   {counts}")
    print(
        f"{sum(step.passed for step in steps)} passed, {sum(step.failed for step in steps)} failed, "
        f"{sum(step.skipped for step in steps)} skipped"
    )
    return 0 if all(step.ok for step in steps) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
