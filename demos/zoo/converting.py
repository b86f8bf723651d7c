"""Released checkpoints of the papers' authors under this project's parameter names.

Weights are read with `weights_only` or from safetensors: nothing in a file is run.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from .awd_lstm import AwdLstmConfig, AwdLstmForCausalLM
from .bigs import BigsConfig, BigsForMaskedLM, BigsForSequenceClassification
from .sha_rnn import ShaRnnConfig, ShaRnnForCausalLM

# (pattern of a released name, this project's name). A name that no pattern matches is an error; None leaves it out.
Names = list[tuple[str, str | None]]

SHA_RNN: Names = [
    (r"encoder\.weight", "model.embed_tokens.weight"),
    (r"decoder\.(weight|bias)", r"lm_head.\1"),
    (r"blocks\.(\d+)\.lnstart\.(weight|bias)", r"model.blocks.\1.norm_in.\2"),
    (r"blocks\.(\d+)\.rnn\.(\w+)", r"model.blocks.\1.lstm.\2"),
    (r"blocks\.(\d+)\.lnmem\.(weight|bias)", r"model.blocks.\1.norm_memory.\2"),
    (r"blocks\.(\d+)\.lnmid\.(weight|bias)", r"model.blocks.\1.norm_head.\2"),
    (r"blocks\.(\d+)\.attn\.q\.(weight|bias)", r"model.blocks.\1.head.query.\2"),
    (r"blocks\.(\d+)\.attn\.qln\.(weight|bias)", r"model.blocks.\1.head.norm_query.\2"),
    (r"blocks\.(\d+)\.attn\.qs", r"model.blocks.\1.head.query_gate"),
    (r"blocks\.(\d+)\.attn\.ks", r"model.blocks.\1.head.key_gate"),
    (r"blocks\.(\d+)\.attn\.vs", r"model.blocks.\1.head.value_gate.source"),
    (r"blocks\.(\d+)\.attn\.vq\.l1\.(weight|bias)", r"model.blocks.\1.head.value_gate.expand.\2"),
    (r"blocks\.(\d+)\.lnff\.(weight|bias)", r"model.blocks.\1.norm_residual.\2"),
    (r"blocks\.(\d+)\.lnxff\.(weight|bias)", r"model.blocks.\1.norm_boom.\2"),
    (r"blocks\.(\d+)\.ff\.linear1\.(weight|bias)", r"model.blocks.\1.boom.up.\2"),
    (r"blocks\.\d+\.(lnout\..*|attn\.(qkvs|r_gate))", None),  # there, and used nowhere
]

BIGS: Names = [
    (r"bigs\.embeddings\.word_embeddings\.weight", "model.embed_tokens.weight"),
    (r"bigs\.embeddings\.position_embeddings\.weight", "model.embed_positions.weight"),
    (r"bigs\.embeddings\.token_type_embeddings\.weight", "model.embed_types.weight"),
    (r"bigs\.embeddings\.LayerNorm\.(weight|bias)", r"model.norm.\1"),
    (r"bigs\.embeddings\.(position_ids|token_type_ids)", None),
    (r"bigs\.encoder\.layer\.(\d+)\.LayerNorm\.(weight|bias)", r"model.layers.\1.norm.\2"),
    (r"bigs\.encoder\.layer\.(\d+)\.dv\.(weight|bias)", r"model.layers.\1.gate.\2"),
    (r"bigs\.encoder\.layer\.(\d+)\.du_(forward|backward)\.(weight|bias)", r"model.layers.\1.into_\2.\3"),
    (r"bigs\.encoder\.layer\.(\d+)\.duc_(forward|backward)\.(weight|bias)", r"model.layers.\1.from_\2.\3"),
    (r"bigs\.encoder\.layer\.(\d+)\.dol\.(weight|bias)", r"model.layers.\1.up.\2"),
    (r"bigs\.encoder\.layer\.(\d+)\.do\.(weight|bias)", r"model.layers.\1.down.\2"),
    (r"bigs\.encoder\.layer\.(\d+)\.fs4\.(.*)", r"model.layers.\1.forward_space.\2"),
    (r"bigs\.encoder\.layer\.(\d+)\.bs4\.(.*)", r"model.layers.\1.backward_space.\2"),
    (r"cls\.predictions\.transform\.dense\.(weight|bias)", r"transform.\1"),
    (r"cls\.predictions\.transform\.LayerNorm\.(weight|bias)", r"transform_norm.\1"),
    (r"cls\.predictions\.decoder\.weight", "lm_head.weight"),
    (r"cls\.predictions\.(?:decoder\.)?bias", "lm_head.bias"),
    (r"bigs\.pooler\.dense\.(weight|bias)", r"pooler.\1"),
    (r"classifier\.(weight|bias)", r"classifier.\1"),
]
SPACE = {
    "D": "kernel_skip",
    "kernel.C": "kernel_output",
    "kernel.log_step": "kernel_log_step",
    "kernel.A_re": "kernel_decay",
    "kernel.A_im": "kernel_frequency",
}

AWD_LSTM: Names = [
    (r"encoder\.weight", "model.embed_tokens.weight"),
    (r"decoder\.(weight|bias)", r"lm_head.\1"),
    (r"rnns\.(\d+)\.(?:module\.)?weight_hh_l0(?:_raw)?", r"model.lstms.\1.weight_hh_l0"),
    (r"rnns\.(\d+)\.(?:module\.)?(weight_ih_l0|bias_ih_l0|bias_hh_l0)", r"model.lstms.\1.\2"),
]


class ConversionError(ValueError):
    """A checkpoint that cannot be taken over; the message says why."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pt, .bin or .safetensors file."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ConversionError(
            f"{path} holds more than tensors and could run code; in the authors' environment save the state dict "
            "alone: torch.save(model.state_dict(), FILE)"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ConversionError(f"{path} cannot be read: {error}"[:500]) from error
    for name in ("model", "state_dict"):
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ConversionError(f"{path}: expected a state dict, names with tensors")
    return {name.removeprefix("module."): value for name, value in state.items()}


def rename(state: dict[str, Tensor], names: Names) -> dict[str, Tensor]:
    """The same tensors under this project's names. Raises ConversionError for a name that is not known."""
    renamed = {}
    for name, value in state.items():
        for pattern, own in names:
            if match := re.fullmatch(pattern, name):
                if own is not None:
                    renamed[match.expand(own)] = value.float()
                break
        else:
            raise ConversionError(f"the checkpoint has a parameter {name!r}, which this architecture does not know")
    return renamed


def _layers(names: Iterable[str], pattern: str) -> set[int]:
    return {int(match[1]) for name in names if (match := re.match(pattern, name))}


def _fill(model: PreTrainedModel, state: dict[str, Tensor], *, optional: tuple[str, ...] = ()) -> None:
    """Give the model these weights; every parameter must be there. What the model has no place for may be `optional`."""
    own = model.state_dict()
    surplus = [name for name in state if name not in own and not name.startswith(optional or ("\0",))]
    missing = [name for name in own if name not in state]
    if surplus or missing:
        raise ConversionError(f"the checkpoint lacks {missing[:3]} and has {surplus[:3]} too many")
    fitting = {}
    for name, value in state.items():
        if name not in own:
            continue
        if value.numel() != own[name].numel():
            raise ConversionError(f"{name} has the shape {tuple(value.shape)}; expected {tuple(own[name].shape)}")
        fitting[name] = value.reshape(own[name].shape)
    model.load_state_dict(fitting)
    model.tie_weights()


def convert_sha_rnn(path: Path, memory_size: int = 5000) -> ShaRnnForCausalLM:
    """From the author's state dict. The length of the memory is not in it."""
    state = rename(read_state(path), SHA_RNN)
    if "model.embed_tokens.weight" not in state:
        raise ConversionError(f"{path} is no SHA-RNN: it has no encoder.weight")
    words, width = state["model.embed_tokens.weight"].shape
    heads = sorted(_layers(state, r"model\.blocks\.(\d+)\.head\.query\."))
    # Blocks without a head carry its layer norms, too.
    state = {
        name: value
        for name, value in state.items()
        if not (match := re.match(r"model\.blocks\.(\d+)\.norm_(memory|head)\.", name)) or int(match[1]) in heads
    }
    config = ShaRnnConfig(
        vocab_size=words,
        hidden_size=width,
        num_hidden_layers=len(_layers(state, r"model\.blocks\.(\d+)\.lstm")),
        boom_factor=len(state["model.blocks.0.boom.up.bias"]) // width,
        attention_layers=heads,
        memory_size=memory_size,
        collapsed_gates=not any("value_gate.expand" in name for name in state),
        eos_token_id=None,
        bos_token_id=None,
    )
    model = ShaRnnForCausalLM(config)
    _fill(model, state)
    return model.eval()


def convert_bigs(folder: Path) -> BigsForMaskedLM | BigsForSequenceClassification:
    """From the authors' folder: config.json and weights; with a classifier where it has one."""
    files = [folder / name for name in ("model.safetensors", "pytorch_model.bin") if (folder / name).exists()]
    if not files or not (folder / "config.json").exists():
        raise ConversionError(f"{folder}: expected config.json and model.safetensors or pytorch_model.bin")
    theirs = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    state = rename(read_state(files[0]), BIGS)
    for name in [name for name in state if "_space." in name]:
        space, _, part = name.partition("_space.")
        if part not in SPACE:
            raise ConversionError(f"the checkpoint has a parameter {name!r}, which this architecture does not know")
        state[f"{space}_space.{SPACE[part]}"] = state.pop(name)
    classes = "classifier.weight" in state
    labels: dict[str, Any] = {}
    if classes:
        known = "id2label" in theirs
        labels = (
            {"id2label": theirs["id2label"], "label2id": theirs["label2id"]}
            if known
            else {"num_labels": len(state["classifier.bias"])}
        )
    config = BigsConfig(
        vocab_size=theirs["vocab_size"],
        hidden_size=theirs["hidden_size"],
        num_hidden_layers=theirs["num_hidden_layers"],
        intermediate_size=theirs["intermediate_size"],
        state_size=theirs.get("num_ssm", 64),
        dropout=theirs.get("hidden_dropout_prob", 0.1),
        max_position_embeddings=theirs["max_position_embeddings"],
        type_vocab_size=theirs["type_vocab_size"],
        layer_norm_eps=theirs["layer_norm_eps"],
        pad_token_id=theirs.get("pad_token_id", 0),
        **labels,
    )
    model = BigsForSequenceClassification(config) if classes else BigsForMaskedLM(config)
    if not classes:
        state.setdefault("lm_head.weight", state["model.embed_tokens.weight"])
    _fill(model, state, optional=("transform.", "transform_norm.", "lm_head.") if classes else ("pooler.",))
    return model.eval()


def convert_awd_lstm(path: Path) -> AwdLstmForCausalLM:
    """From the authors' state dict. It tells no pointer; the continuous cache needs no weights."""
    state = rename(read_state(path), AWD_LSTM)
    if "model.embed_tokens.weight" not in state:
        raise ConversionError(f"{path} is no AWD-LSTM: it has no encoder.weight")
    words, width = state["model.embed_tokens.weight"].shape
    config = AwdLstmConfig(
        vocab_size=words,
        hidden_size=width,
        inner_size=state["model.lstms.0.weight_hh_l0"].shape[1],
        num_hidden_layers=len(_layers(state, r"model\.lstms\.(\d+)\.")),
        eos_token_id=None,
        bos_token_id=None,
    )
    model = AwdLstmForCausalLM(config)
    _fill(model, state)
    return model.eval()


def byte_tokenizer(path: Path) -> PreTrainedTokenizerFast:
    """A tokenizer from the authors' list of enwik8 symbols in the order of their ids (JSON): bytes as numbers, <eos>."""
    try:
        symbols = json.loads(path.read_text(encoding="utf-8"))
        values = [ord("\n") if symbol == "<eos>" else int(symbol) for symbol in symbols]
        letters = bytes_to_letters()
        vocabulary = {letters[value]: number for number, value in enumerate(values)}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConversionError(f'{path}: expected a JSON list of symbols such as "101" and "<eos>": {error}') from error
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False)


def bytes_to_letters() -> dict[int, str]:
    """The printable letter by which byte-level tokenizers show each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(others)}


CONVERTERS: dict[str, Any] = {"sha-rnn": convert_sha_rnn, "bigs": convert_bigs, "awd-lstm": convert_awd_lstm}
