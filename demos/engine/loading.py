"""Loading models: folders with safetensors weights, nothing that could carry code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from .. import zoo  # noqa: F401  registers the papers' architectures with the Auto classes


class ModelError(RuntimeError):
    """A model cannot be loaded; the message is a sentence that says why."""


@dataclass(frozen=True)
class LoadedModel:
    name: str
    model: Any
    tokenizer: Any
    parameters: int
    device: str
    ends: frozenset[int] = frozenset()  # tokens that end an output


def pick_device(setting: str) -> str:
    """ "auto" is CUDA where there is one, else the CPU."""
    if setting != "auto":
        return setting
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_model(name: str, folder: Path, device: str) -> LoadedModel:
    """Load a causal language model and its tokenizer from a local folder; half precision only where the device likes it."""
    if not folder.is_dir():
        raise ModelError(f"model {name!r}: there is no folder {folder}")
    if not list(folder.glob("*.safetensors")):
        raise ModelError(f"model {name!r}: {folder} holds no .safetensors weights; other kinds are not loaded")
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        model = kind.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = model.to(device).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"model {name!r} cannot be loaded from {folder}: {error}") from error
    parameters = sum(p.numel() for p in model.parameters())
    return LoadedModel(name, model, tokenizer, parameters, device, end_tokens(model))


def end_tokens(model: Any) -> frozenset[int]:
    """What `generate()` would stop at."""
    ends = model.generation_config.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset(ends if isinstance(ends, list) else [ends])
