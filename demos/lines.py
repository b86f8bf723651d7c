r"""Lists of texts as one text, one a line, for forms: `\n`, `\t`, `\r` and `\\` stand for what cannot be seen in a line.

static/demos/lines.js does the same in the browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_WRITTEN = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_READ = {written: sign for sign, written in _WRITTEN.items()}
_ESCAPE = re.compile(r"\\[\\ntr]")
SCHEMA: dict[str, Any] = {"x-form": "lines"}  # marks such an input in its JSON Schema


def as_lines(texts: Iterable[Any]) -> str:
    return "\n".join("".join(_WRITTEN.get(sign, sign) for sign in str(text)) for text in texts)


def from_lines(text: str) -> list[str]:
    """Empty lines are none; blanks at either end of a line belong to it."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [_ESCAPE.sub(lambda found: _READ[found[0]], line) for line in lines if line]


def is_lines(schema: dict[str, Any]) -> bool:
    return schema.get("x-form") == SCHEMA["x-form"]
