"""Cells of CSV that no spreadsheet program takes for a formula, and back.

A cell that begins with `=`, `+`, `-` or `@` is run when somebody opens the file. An apostrophe before it makes it
text; one more is put where there is one already, so that nothing is lost. Numbers stay numbers.
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re

_RISKY = re.compile(r"[\s']*[=+\-@＝＋－＠]|'*[\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def guarded(text: str) -> str:
    return f"'{text}" if _RISKY.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and _RISKY.match(text[1:]) else text
