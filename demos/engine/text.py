"""From token ids to text while tokens are still coming."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"  # what decoders put in place of bytes that are no character (yet)


class StopStrings:
    """Ends a text before the first of some strings; what may be the beginning of one is held back until that is decided."""

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self.stop = stop
        self.held = ""
        self.stopped = False

    def push(self, fresh: str) -> str:
        """What may be shown now that `fresh` has been written."""
        if not self.stop or self.stopped:
            return "" if self.stopped else fresh
        text = self.held + fresh
        found = [place for stop in self.stop if (place := text.find(stop)) >= 0]
        if found:
            self.stopped, self.held = True, ""
            return text[: min(found)]
        longest = max(map(len, self.stop)) - 1
        keep = next(
            (n for n in range(min(longest, len(text)), 0, -1) if any(s.startswith(text[-n:]) for s in self.stop)), 0
        )
        self.held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was still held when the text ended."""
        held, self.held = self.held, ""
        return "" if self.stopped else held


class TextStream:
    """Gives each new token's text; bytes of an unfinished character are held until the character is whole.

    With `stop` strings, `stopped` says that one has come: what was given ends just before it.
    """

    def __init__(self, tokenizer: Any, stop: tuple[str, ...] = ()) -> None:
        self.tokenizer = tokenizer
        self.pending: list[int] = []
        self.given = ""
        self.stop = StopStrings(stop)

    @property
    def stopped(self) -> bool:
        return self.stop.stopped

    def push(self, token: int) -> str:
        self.pending.append(token)
        text = self.tokenizer.decode(self.pending, skip_special_tokens=True)
        if text.endswith(_INCOMPLETE) and len(self.pending) < 8:
            return ""
        fresh = text[len(self.given) :]
        # The last token stays as context: some tokenizers drop the blank before a text's first piece.
        self.pending = [token]
        self.given = self.tokenizer.decode(self.pending, skip_special_tokens=True)
        return self.stop.push(fresh)

    def flush(self) -> str:
        """What was still held when the output ended."""
        text = self.tokenizer.decode(self.pending, skip_special_tokens=True)
        fresh = text[len(self.given) :] if text.startswith(self.given) else ""
        self.pending, self.given = [], ""
        return self.stop.push(fresh) + self.stop.flush()


class Pieces:
    """The text of single tokens, for lists of alternatives."""

    def __init__(self, tokenizer: Any) -> None:
        self.text = lru_cache(maxsize=65536)(lambda token: str(tokenizer.decode([token])))
