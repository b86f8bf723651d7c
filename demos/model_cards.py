"""What is known of a model without loading it: its files' own account, its card, its tokenizer. No torch."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import filetype
import yaml
from django.conf import settings
from tokenizers import Tokenizer

from .model_files import ModelError, Weights, check_weights, local_folder, purpose_of

LONGEST_CARD = 200_000  # characters
LARGEST_CONFIG = 2 * 2**20  # bytes
LARGEST_PICTURE = 4 * 2**20
MOST_PICTURES = 12
PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
# (what is told, under which names configurations have it)
SIZES = [
    ("Layers", ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers")),
    ("Layers of the decoder", ("num_decoder_layers", "decoder_layers")),
    ("Width", ("hidden_size", "n_embd", "d_model")),
    ("Heads", ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads")),
    ("Vocabulary", ("vocab_size",)),
    ("Reads at most", ("max_position_embeddings", "n_positions")),
    ("Remembers", ("memory_size",)),
]
IN_TOKENS = {"Reads at most", "Remembers"}
_PICTURE = re.compile(r"!\[([^\]\n]{0,300})\]\(\s*<?([^)\s>]{1,300})>?[^)\n]{0,300}\)")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")


@dataclass(frozen=True)
class Picture:
    name: str
    title: str


@dataclass(frozen=True)
class Card:
    """A model as its folder shows it. `problem` says why it cannot be loaded, as far as its files tell."""

    name: str
    folder: Path | None = None
    problem: str = ""
    weights: Weights | None = None
    architecture: str = ""
    purpose: str = ""
    sizes: list[tuple[str, str]] = field(default_factory=list)
    tokenizer: str = ""
    licence: str = ""
    licence_link: str = ""
    title: str = ""
    text: str = ""  # Markdown
    pictures: list[Picture] = field(default_factory=list)


def address_of(name: str) -> str:
    """A model's name in addresses: folders anywhere on the machine are not spelled out to everybody."""
    if not Path(name).is_absolute():
        return name
    return f"{Path(name).name}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def shown_name(name: str) -> str:
    return Path(name).name if Path(name).is_absolute() else name


def card_of(name: str) -> Card:
    """Never raises: what cannot be read is left out, and `problem` says what is wrong with the model."""
    try:
        folder = local_folder(name, settings.MODELS_DIR)
    except ModelError as error:
        return Card(name, problem=str(error))
    if folder is None:
        return Card(name, problem="" if settings.ENGINE_HUB else "This machine has no files of it.")
    changed = max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0)
    return _read(name, folder, changed, name in settings.MODEL_BACKENDS)


@lru_cache(maxsize=128)
def _read(name: str, folder: Path, changed: int, elsewhere: bool) -> Card:
    weights, problem = None, ""
    try:
        weights = check_weights(name, folder)
    except (ModelError, OSError) as error:
        if not elsewhere:
            problem = str(error).replace(f"{folder} ", "its folder ").replace(str(folder), "its folder")
    config = _json(folder / "config.json")
    architecture = str((_list(config.get("architectures")) or [""])[0])[:100]
    front, title, text, pictures = _card_text(folder)
    licence = front.get("license")
    link = str(front.get("license_link") or "")
    return Card(
        name,
        folder,
        problem,
        weights,
        architecture,
        purpose_of(architecture) or "",
        _sizes(config),
        _tokenizer_facts(folder),
        _licence(folder, licence, front.get("license_name")),
        link if link.startswith(("https://", "http://")) else "",
        title,
        text,
        pictures,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def declared_window(folder: Path) -> int | None:
    """The most tokens that a model's positions allow, where its config.json says so."""
    config = _json(folder / "config.json")
    found = [config.get(name) for name in ("max_position_embeddings", "n_positions", "max_seq_len")]
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _sizes(config: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for label, names in SIZES:
        value = next((config[name] for name in names if isinstance(config.get(name), int)), None)
        if value is not None and value > 0:
            rows.append((label, f"{value:,}{' tokens' if label in IN_TOKENS else ''}"))
    return rows


@lru_cache(maxsize=16)
def _tokenizer(path: str, changed: int) -> Tokenizer:
    return Tokenizer.from_file(path)


def tokenizer_of(folder: Path) -> Tokenizer | None:
    """The folder's fast tokenizer; None where there is none that can be read."""
    path = folder / "tokenizer.json"
    try:
        return _tokenizer(str(path), path.stat().st_mtime_ns)
    except Exception:  # the library raises bare Exceptions for files it cannot read
        return None


def _tokenizer_facts(folder: Path) -> str:
    tokenizer = tokenizer_of(folder)
    if tokenizer is None:
        return ""
    kind = {"BPE": "byte pairs", "WordPiece": "word pieces", "Unigram": "unigram pieces", "WordLevel": "whole words"}
    name = type(tokenizer.model).__name__
    return f"{kind.get(name, name)}, {tokenizer.get_vocab_size():,} of them"


def _licence(folder: Path, stated: Any, named: Any) -> str:
    if isinstance(stated, list):
        stated = ", ".join(str(one) for one in stated[:5])
    if isinstance(stated, str) and stated:
        return str(named)[:80] if stated == "other" and named else stated[:80]
    for path in sorted(folder.glob("LICENSE*")):
        with path.open(encoding="utf-8", errors="replace") as file:
            return next((line.strip()[:80] for line in file if line.strip()), "")
    return ""


def _card_text(folder: Path) -> tuple[dict[str, Any], str, str, list[Picture]]:
    """(front matter, title, Markdown below it, pictures of the folder that it shows)."""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            text = file.read(LONGEST_CARD)
    except OSError:
        return {}, "", "", []
    front: Any = {}
    if text.startswith("---\n") and (end := text.find("\n---", 4)) > 0:
        try:
            front = yaml.safe_load(text[4:end])
        except yaml.YAMLError:
            front = {}
        text = text[end + 4 :].lstrip("-")
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).strip()
    title = ""
    if text.startswith("# "):
        title, _, text = text[2:].partition("\n")
    pictures: list[Picture] = []

    def taken(match: re.Match[str]) -> str:
        alt, target = match[1].strip(), match[2]
        if picture_file(folder, target) is not None and len(pictures) < MOST_PICTURES:
            pictures.append(Picture(target, alt))
            return ""
        return f"[{alt or target}]({target})" if target.startswith("https://") else alt

    text = _PICTURE.sub(taken, text)
    return front if isinstance(front, dict) else {}, title.strip()[:200], _demoted(text), pictures


def _demoted(text: str) -> str:
    """Headings one step down: the page has one of the first rank already."""
    lines, fenced = [], False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        lines.append(f"#{line}" if not fenced and re.match(r"#{1,5} ", line) else line)
    return "\n".join(lines)


def picture_file(folder: Path, name: str) -> tuple[Path, str] | None:
    """A picture that lies in the folder itself, and its type; None for what is anything else."""
    suffix = name.rpartition(".")[2].lower()
    if suffix not in PICTURES or not re.fullmatch(r"[\w-][\w. -]{0,120}", name):
        return None
    path = folder / name
    try:
        kind = filetype.guess_mime(str(path)) if 0 < path.stat().st_size <= LARGEST_PICTURE else None
    except OSError:
        return None
    return (path, str(kind)) if kind in PICTURES.values() else None
