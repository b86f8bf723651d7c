"""Counting tokens in the web process: the tokenizers library alone, no torch."""

from __future__ import annotations

from django.conf import settings

from miniconf.problems import Problem

from .hub_looks import look_at
from .model_cards import declared_window, shown_name, tokenizer_of
from .model_files import ModelError, local_folder
from .model_states import not_loadable


def most_tokens(model: str, limit: int) -> int:
    """How many tokens a text for `model` may have where a demo allows `limit`: no more than its positions reach."""
    try:
        folder = local_folder(model, settings.MODELS_DIR)
    except ModelError:
        return limit
    window = declared_window(folder) if folder is not None else None
    return min(limit, window or limit)


def count_tokens(model: str, text: str) -> int:
    """How many tokens `model` reads for `text`, special ones included. Raises Problem 503 when the model is not there.

    0 for a model behind a server of its own whose tokenizer this machine does not have: that server counts itself.
    """
    try:
        folder = local_folder(model, settings.MODELS_DIR)
    except ModelError as error:
        raise Problem(status=503, title="Model not installed", detail=str(error)) from error
    tokenizer = tokenizer_of(folder) if folder is not None else None
    if folder is None and (look := look_at(model)) is not None:
        if look.problem:
            raise not_loadable(look.problem)
        tokenizer = tokenizer_of(look.tokenizer.parent) if look.tokenizer is not None else None
    if tokenizer is not None:
        return len(tokenizer.encode(text).ids)
    if model in settings.MODEL_BACKENDS:
        return 0
    missing = f"This site has no model {shown_name(model)!r}; its organizers must add it."
    if folder is not None or settings.ENGINE_HUB:
        missing = f"The model {shown_name(model)!r} has no tokenizer.json that can be read; its organizers must add it."
    raise Problem(status=503, title="Model not installed", detail=missing)
