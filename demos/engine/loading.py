"""Loading models: folders with safetensors weights, nothing that could carry code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from .. import zoo  # noqa: F401  registers the papers' architectures with the Auto classes

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


class ModelError(RuntimeError):
    """A model cannot be loaded; the message is a sentence that says why."""


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


def pick_device(setting: str) -> str:
    """ "auto" is CUDA where there is one, else the CPU."""
    if setting != "auto":
        return setting
    return "cuda" if torch.cuda.is_available() else "cpu"


def find_model(name: str, models: Path, *, hub: bool) -> Path:
    """The folder of a model: below `models`, an absolute path, or from the hub where allowed. Raises ModelError."""
    folder = models / name
    if folder.is_dir():
        return folder
    if HUB_ID.fullmatch(name) is None:
        raise ModelError(f"model {name!r}: there is no folder {models / name}")
    if not hub:
        raise ModelError(
            f"model {name!r}: there is no folder {models / name}, and this site loads nothing from the hub"
        )
    try:
        return Path(snapshot_download(name, allow_patterns=["*.safetensors", "*.json", "*.txt", "*.model"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(f"model {name!r} cannot be had from the hub: {error}"[:500]) from error


def weight_bytes(name: str, folder: Path) -> int:
    """Size of a model's weights on disk. Raises ModelError where there are none that may be loaded."""
    if not folder.is_dir():
        raise ModelError(f"model {name!r}: there is no folder {folder}")
    weights = list(folder.glob("*.safetensors"))
    if not weights:
        pickled = sorted(p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in folder.glob(pattern))
        found = f"; {pickled[0]} is pickled and could run code" if pickled else ""
        raise ModelError(f"model {name!r}: {folder} holds no .safetensors weights{found}")
    return sum(p.stat().st_size for p in weights)


def load_model(name: str, folder: Path, device: str, *, trust_code: bool = False) -> LoadedModel:
    """Load a language model and its tokenizer from a local folder; half precision only where the device likes it.

    `trust_code` runs Python files that come with the model. Raises ModelError.
    """
    weight_bytes(name, folder)
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_code}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        model = kind.from_pretrained(folder, dtype=dtype, use_safetensors=True, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model = model.to(device).eval()
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
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
    ends = model.generation_config.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset(ends if isinstance(ends, list) else [ends])
