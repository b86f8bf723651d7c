"""Counting tokens in the web process: the tokenizers library alone, no torch."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from tokenizers import Tokenizer

from miniconf.problems import Problem


@lru_cache(maxsize=16)
def _tokenizer(path: str, changed: float) -> Tokenizer:
    return Tokenizer.from_file(path)


def count_tokens(model: str, text: str) -> int:
    """How many tokens `model` reads for `text`, special ones included. Raises Problem 503 when the model is not there."""
    path = settings.MODELS_DIR / model / "tokenizer.json"
    try:
        tokenizer = _tokenizer(str(path), path.stat().st_mtime)
    except OSError as error:
        raise Problem(
            status=503,
            title="Model not installed",
            detail=f"This site has no model {model!r}; its organizers must add it.",
        ) from error
    return len(tokenizer.encode(text).ids)
