"""Loading models: folders with safetensors weights, nothing that could carry code."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from .. import zoo  # noqa: F401  registers the papers' architectures with the Auto classes
from ..model_files import WRITES, ModelError, check_weights, purpose_of
from ..model_files import find_model as find_model

AUTO_CLASSES: dict[str, Any] = {
    WRITES: AutoModelForCausalLM,
    "fills masks": AutoModelForMaskedLM,
    "classifies texts": AutoModelForSequenceClassification,
    "labels tokens": AutoModelForTokenClassification,
    "finds answers in texts": AutoModelForQuestionAnswering,
    "reads texts": AutoModel,
}


class NoRoom(ModelError):
    """A model cannot be loaded because of the others in memory."""


@dataclass(frozen=True)
class LoadedModel:
    name: str
    model: Any
    tokenizer: Any
    parameters: int
    device: str
    ends: frozenset[int] = frozenset()  # tokens that end an output
    attention: str = "sdpa"  # how the model attends outside of the step loop
    window: int | None = None  # most tokens its positions allow, where it says so
    bytes: int = 0
    purpose: str = WRITES  # one of PURPOSES

    @property
    def writes(self) -> bool:
        return self.purpose == WRITES


def pick_device(setting: str) -> str:
    """ "auto" is CUDA where there is one, else the CPU."""
    if setting != "auto":
        return setting
    return "cuda" if torch.cuda.is_available() else "cpu"


def pick_dtype(setting: str, device: str) -> torch.dtype:
    """ "auto" is half precision where the device likes it, full on a CPU."""
    if setting == "auto":
        return torch.bfloat16 if device.startswith("cuda") else torch.float32
    dtype = getattr(torch, setting, None)
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"the engine's number type is {setting!r}; expected auto, float32, bfloat16 or float16")
    return dtype


def auto_class(config: Any) -> tuple[str, Any]:
    """What a model does and the class that loads it."""
    purpose = purpose_of((config.architectures or [""])[0]) or WRITES
    if purpose == WRITES and config.is_encoder_decoder:
        return purpose, AutoModelForSeq2SeqLM
    return purpose, AUTO_CLASSES[purpose]


def load_model(
    name: str, folder: Path, device: str, *, dtype: torch.dtype | None = None, trust_code: bool = False
) -> LoadedModel:
    """Load a model and its tokenizer from a local folder. `trust_code` runs Python files that come with it.

    Raises ModelError.
    """
    check_weights(name, folder)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_code}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        purpose, auto = auto_class(config)
        model = auto.from_pretrained(folder, dtype=dtype or pick_dtype("auto", device), use_safetensors=True, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model = model.to(device).eval()
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        if out_of_memory(error):
            raise
        raise ModelError(f"model {name!r} cannot be loaded from {folder}: {error}"[:1000]) from error
    return LoadedModel(
        name,
        model,
        tokenizer,
        parameters=sum(p.numel() for p in model.parameters()),
        device=device,
        ends=end_tokens(model),
        attention=model.config._attn_implementation or "eager",
        window=declared_window(model),
        bytes=sum(p.numel() * p.element_size() for p in model.parameters()),
        purpose=purpose,
    )


def declared_window(model: Any) -> int | None:
    """Most tokens the model's positions allow; None where its configuration names no bound."""
    for name in ("max_position_embeddings", "n_positions", "max_seq_len"):
        value = getattr(model.config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return None


def end_tokens(model: Any) -> frozenset[int]:
    """What `generate()` would stop at."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    if ends is None:
        return frozenset()
    return frozenset(ends if isinstance(ends, list) else [ends])


def out_of_memory(error: BaseException) -> bool:
    """Also on a CPU, where torch has no error of its own for it."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def no_memory(name: str) -> str:
    return f"model {name!r} ran out of memory; shorter texts or fewer at once may fit"


def release_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
