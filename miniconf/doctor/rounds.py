"""The order in which things are looked at: what others need comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import machine, mail, services
from .findings import Finding, fault

ROUNDS: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
    ("packages", machine.packages),
    ("data folder", machine.data_folder),
    ("address", machine.address),
    ("secret key", machine.secret_key),
    ("database", services.database),
    ("broker", services.broker),
    ("static files", machine.static_files),
    ("processes", services.processes),
    ("models", services.models),
    ("mail", mail.sending),
    ("mail in", mail.receiving),
]


def examine() -> Iterator[Finding]:
    """Every finding, one after the other. A look that fails itself is a finding, too."""
    for subject, look in ROUNDS:
        try:
            yield from look()
        except Exception as error:  # whatever is broken here is what is asked for
            yield fault(subject, f"{type(error).__name__}: {error}", "the message names what is missing")
