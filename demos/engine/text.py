"""From token ids to text while tokens are still coming."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_INCOMPLETE = "�"  # what decoders put in place of bytes that are no character (yet)


class TextStream:
    """Gives each new token's text; bytes of an unfinished character are held until the character is whole."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.pending: list[int] = []
        self.given = ""

    def push(self, token: int) -> str:
        self.pending.append(token)
        text = self.tokenizer.decode(self.pending, skip_special_tokens=True)
        if text.endswith(_INCOMPLETE) and len(self.pending) < 8:
            return ""
        fresh = text[len(self.given) :]
        # The last token stays as context: some tokenizers drop the blank before a text's first piece.
        self.pending = [token]
        self.given = self.tokenizer.decode(self.pending, skip_special_tokens=True)
        return fresh

    def flush(self) -> str:
        """What was still held when the output ended."""
        text = self.tokenizer.decode(self.pending, skip_special_tokens=True)
        fresh = text[len(self.given) :] if text.startswith(self.given) else ""
        self.pending, self.given = [], ""
        return fresh


class Pieces:
    """The text of single tokens, for lists of alternatives."""

    def __init__(self, tokenizer: Any) -> None:
        self.text = lru_cache(maxsize=65536)(lambda token: str(tokenizer.decode([token])))
