"""Sentence embeddings by a model in the folder layout of sentence-transformers, read with transformers alone.

Only what such a folder says of itself is followed: `modules.json` (a transformer, pooling, normalisation),
`1_Pooling/config.json` (mean of the tokens, or the first one), `sentence_bert_config.json` (longest text). Code in a
model folder is never run and weights are safetensors. This module's functions import torch: workers only.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 32
_FILES = ["*.json", "model*.safetensors", "vocab.txt", "*.model"]


class ModelUnusable(Exception):
    """The embedding model cannot be used; the message says why."""


def folder_of(name: str) -> Path:
    """Where the model lies: a local folder, the folder `model` of an installed package, or a copy of a hub repository."""
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return path
    packaged = _folder_in_package(name)
    if packaged is not None:
        return packaged
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelUnusable(
            f'the embedding model "{name}" is no folder with a config.json, no installed package, and could not be '
            f"fetched from the Hugging Face hub ({type(error).__name__}); see SIMILARITY_MODEL in docs/similarity.md"
        ) from error


def _folder_in_package(name: str) -> Path | None:
    module = name.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "config.json").is_file() else None


class Embedder:
    """A loaded model. Make one, embed, and let it go: it holds the weights in memory."""

    def __init__(self, name: str, *, device: str = "auto") -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        folder = folder_of(name)
        self._pooling = _pooling(folder)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            self._model = AutoModel.from_pretrained(
                folder, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
            ).to(self._device)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelUnusable(f'the embedding model "{name}" could not be loaded: {error}') from error
        self._model.eval()
        self._longest = _longest(folder, self._model.config)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of unit length for each text. Texts of like length go together, so that little is padded."""
        import numpy as np
        import torch

        rows: list[NDArray[np.float32] | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                vectors = self._batch([texts[i] for i in batch])
                for i, vector in zip(batch, vectors.cpu().numpy(), strict=True):
                    rows[i] = vector
        width = int(self._model.config.hidden_size)
        return np.asarray(rows, np.float32).reshape(len(texts), width)

    def _batch(self, texts: list[str]) -> Any:
        import torch

        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
        ).to(self._device)
        states = self._model(**tokens).last_hidden_state
        if self._pooling == "cls":
            pooled = states[:, 0]
        else:
            mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(pooled, dim=1)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError as error:
        raise ModelUnusable(f"{path} is not JSON: {error}") from error


def _pooling(folder: Path) -> str:
    """ "mean" or "cls", as the folder says; a plain transformer is pooled by its mean."""
    modules = _read(folder / "modules.json") or []
    for module in modules:
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind not in ("Transformer", "Pooling", "Normalize"):
            raise ModelUnusable(
                f"{folder} needs a module {kind}; only Transformer, Pooling and Normalize are known here"
            )
    pooling = next((m.get("path", "") for m in modules if str(m.get("type", "")).endswith("Pooling")), "1_Pooling")
    config = _read(folder / pooling / "config.json") or {"pooling_mode_mean_tokens": True}
    modes = sorted(name for name, value in config.items() if name.startswith("pooling_mode") and value is True)
    if modes == ["pooling_mode_mean_tokens"] or config.get("pooling_mode") == "mean":
        return "mean"
    if modes == ["pooling_mode_cls_token"] or config.get("pooling_mode") == "cls":
        return "cls"
    raise ModelUnusable(f"{folder} pools by {', '.join(modes) or 'nothing'}; only mean and cls are known here")


def _longest(folder: Path, config: Any) -> int:
    """Tokens of a text that are read."""
    said = (_read(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    able = int(getattr(config, "max_position_embeddings", 512))
    return min(int(said), able) if said else min(512, able)
