"""The lock files, the Makefile and the settings' way of saying what is wrong."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from tests.running import ROOT, clean_environment


def locked(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return {r.name: r for line in lines if line[:1] not in "#-" for r in [Requirement(line)]}


def wanted(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and line[:1] not in "#-"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_pins_exactly_everything_that_is_asked_for(name: str) -> None:
    pins = locked("requirements.lock") | locked("requirements-dev.lock")
    assert {str(pin.specifier)[:2] for pin in pins.values()} == {"=="}
    for requirement in wanted(f"{name}.in"):
        pin = pins[canonical(requirement.name)]
        assert requirement.specifier.contains(str(pin.specifier).removeprefix("==")), requirement


def test_the_lock_fits_machines_with_and_without_a_gpu() -> None:
    pins = locked("requirements.lock")
    assert [name for name in pins if name.startswith(("nvidia", "triton", "cuda"))] == []
    assert str(pins["torch"].specifier) == "==2.13.0"


def test_the_locks_name_no_place_of_one_machine() -> None:
    text = (ROOT / "requirements.lock").read_text() + (ROOT / "requirements-dev.lock").read_text()
    assert re.findall(r"file:|https?:|@|--hash|--(?:extra-)?index-url|--find-links|/[a-z]", text) == []


def test_this_environment_is_the_locked_one() -> None:
    """Otherwise these tests tell nothing about what `make run` installs."""
    for name, pin in (locked("requirements.lock") | locked("requirements-dev.lock")).items():
        if pin.marker is None or Marker(str(pin.marker)).evaluate():
            assert pin.specifier.contains(importlib.metadata.version(name)), name


def test_an_old_python_is_named_instead_of_failing_later(tmp_path) -> None:
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    (tmp_path / "requirements.lock").touch()
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    old = bin_folder / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac\n')
    old.chmod(0o755)
    (bin_folder / "make").symlink_to(str(shutil.which("make")))
    done = subprocess.run(
        ["make", "--no-print-directory", "run"],
        cwd=tmp_path,
        env=clean_environment(PATH=bin_folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == "miniconf needs Python 3.11 or newer; python3 here is Python 3.9.2.\n"
    assert not (tmp_path / ".venv").exists()


def test_djangos_deployment_checks_find_nothing_on_a_site_with_https(tmp_path) -> None:
    environment = clean_environment(SITE_URL="https://conference.example.org", MINICONF_DATA=tmp_path)
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_operators_page_names_every_setting_and_no_other() -> None:
    files = ("settings.py", "accounts/sso/configured.py")
    texts = [(ROOT / "miniconf" / file).read_text() for file in files]
    read = {name for text in texts for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)}
    # Read by others, secrets among them where they are used; one of each provider's.
    read |= {"SAMPLE", "MODEL_BACKEND_KEY", "ORCID_CLIENT_ID"}
    section = (ROOT / "docs" / "operating.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)`", section, re.MULTILINE)) == read
