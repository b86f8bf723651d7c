"""Training text: reading, cleaning, splitting and tokenizing titles and abstracts or plain text files."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
MASK, PAD = "[MASK]", "[PAD]"
HELD_OUT_OF = 20  # one document in twenty is never trained on
MINIMUM_LETTERS = 120  # shorter abstracts are mostly leftovers of a web page


class CorpusError(ValueError):
    """A training file that cannot be read; the message names file and line."""


def read_documents(path: Path) -> Iterator[str]:
    """Yield cleaned documents: `title`, blank line, `abstract` from .jsonl (or .jsonl.gz), else one per blank-line block."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            if ".jsonl" in path.suffixes:
                yield from _read_jsonl(path, file)
            else:
                for block in re.split(r"\n\s*\n", file.read()):
                    if text := _clean(block):
                        yield text
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error


def _read_jsonl(path: Path, lines: Iterable[str], field: str | None = None) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            title, abstract = record["title"], record["abstract"]
            value = None if field is None else str(record[field])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            wanted = "title and abstract" if field is None else f"title, abstract and {field}"
            raise CorpusError(f"{path}, line {number}: expected an object with {wanted}") from error
        abstract = _clean(abstract or "")
        if len(abstract) >= MINIMUM_LETTERS:
            text = f"{_clean(title)}\n\n{abstract}"
            yield text if field is None else (text, value)


def read_labelled(path: Path, field: str) -> Iterator[tuple[str, str]]:
    """Yield cleaned documents of .jsonl (or .jsonl.gz) and what their records say under `field`."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            yield from _read_jsonl(path, file, field)
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def split_documents(documents: Iterable[str]) -> tuple[list[str], list[str]]:
    """Drop repeated documents and hold one in twenty out, chosen by a hash so that every run holds out the same ones."""
    seen: set[bytes] = set()
    train: list[str] = []
    held_out: list[str] = []
    for document in documents:
        digest = hashlib.sha256(document.encode()).digest()
        if digest in seen:
            continue
        seen.add(digest)
        (held_out if _is_held_out(digest) else train).append(document)
    return train, held_out


def _is_held_out(digest: bytes) -> bool:
    return digest[0] * 256 + digest[1] < 65536 // HELD_OUT_OF


def held_out(document: str) -> bool:
    """Whether a document is one of those that no run trains on."""
    return _is_held_out(hashlib.sha256(document.encode()).digest())


def read_corpus(paths: list[Path], *, raw: bool = False) -> tuple[list[str], list[str]]:
    """Text to train on and held-out text. `raw` keeps files to the byte and holds out the end of each."""
    if raw:
        train, held_out = zip(*(_split_raw(path) for path in paths), strict=True)
        return list(train), list(held_out)
    documents = [text for path in paths for text in read_documents(path)]
    parts = split_documents(documents)
    if not all(parts):
        raise CorpusError(f"{len(documents)} documents are too few: some must be held out and some trained on")
    return parts


def _split_raw(path: Path) -> tuple[str, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error
    cut = len(data) - len(data) // HELD_OUT_OF
    train, held_out = data[:cut].decode(errors="replace"), data[cut:].decode(errors="replace")
    if not held_out:
        raise CorpusError(f"{path}: too short to hold anything out")
    return train, held_out


def train_tokenizer(documents: Iterable[str], kind: str, vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer: `bpe` with `vocab_size` pieces, or `bytes` with one token a byte."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size if kind == "bpe" else len(alphabet) + 1,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    # Every text begins with the end of the one before: that is how the model knows it starts afresh.
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END_OF_TEXT} $A", special_tokens=[(END_OF_TEXT, tokenizer.token_to_id(END_OF_TEXT))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        clean_up_tokenization_spaces=False,
    )


def open_tokenizer(folder: Path | None) -> PreTrainedTokenizerFast | None:
    """The tokenizer of a checkpoint; None where no folder is given. Raises CorpusError."""
    if folder is None:
        return None
    if not (folder / "tokenizer.json").exists():
        raise CorpusError(f"{folder} holds no tokenizer.json")
    return PreTrainedTokenizerFast.from_pretrained(folder)


def add_mask(tokenizer: PreTrainedTokenizerFast) -> None:
    """Give a tokenizer a mask token, which takes the space before it along, and a padding token of its own."""
    if tokenizer.mask_token is None:
        tokenizer.add_special_tokens({"mask_token": AddedToken(MASK, lstrip=True), "pad_token": PAD})


def encode(
    documents: list[str], tokenizer: PreTrainedTokenizerFast, report: Callable[[int], None] = lambda done: None
) -> list[np.ndarray]:
    """Token ids of each document (uint16), the end-of-text token first."""
    encoded = []
    for start in range(0, len(documents), 1000):
        batch = tokenizer(documents[start : start + 1000], return_attention_mask=False)["input_ids"]
        encoded += [np.asarray(ids, dtype=np.uint16) for ids in batch]
        report(len(encoded))
    return encoded
