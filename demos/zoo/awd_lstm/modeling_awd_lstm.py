"""AWD-LSTM in torch, as a `transformers` causal language model.

Stephen Merity, Nitish Shirish Keskar and Richard Socher, "Regularizing and Optimizing LSTM Language Models",
arXiv:1708.02182: LSTMs whose recurrent weights and inputs are dropped with one mask for a whole segment, and an output
that shares the embedding's weights. On top a pointer into the text read so far: the continuous cache (Grave, Joulin and
Usunier, arXiv:1612.04426), which needs no training, or the pointer sentinel (Merity, Xiong, Bradbury and Socher,
arXiv:1609.07843). Letters in shape comments: B rows, T tokens, L remembered words, E width, V words.
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from ..recurrent import Front, LstmState, RecurrentCache, needed_from, run_lstm
from .configuration_awd_lstm import AwdLstmConfig


class AwdLstmCache(RecurrentCache):
    """What an AWD-LSTM carries from one segment to the next.

    Beside the LSTMs' states the last `pointer_window` words it may point at: `keys` (B, L, E), `words` (B, L) and their
    positions `stamps` (B, L), -1 marking what cannot be pointed at; and `last` (B, E), the output after the last token.
    """

    def __init__(self, config: AwdLstmConfig) -> None:
        super().__init__()
        self.window = config.pointer_window
        self.keys: Tensor | None = None
        self.words: Tensor | None = None
        self.stamps: Tensor | None = None
        self.last: Tensor | None = None

    def remember(self, keys: Tensor, words: Tensor, stamps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Add a segment's words; returns all that can be pointed at from somewhere in it."""
        if self.keys is not None and self.words is not None and self.stamps is not None:
            keys, words = torch.cat([self.keys, keys], 1), torch.cat([self.words, words], 1)
            stamps = torch.cat([self.stamps, stamps], 1)
        self.keys, self.words, self.stamps = keys, words, stamps
        if stamps.shape[1] > self.window:
            first = needed_from(stamps, self.window)
            self.keys, self.words, self.stamps = keys[:, first:], words[:, first:], stamps[:, first:]
        return keys, words, stamps

    def reorder_cache(self, beam_idx: Tensor) -> None:
        super().reorder_cache(beam_idx)
        for name in ("keys", "words", "stamps", "last"):
            if getattr(self, name) is not None:
                setattr(self, name, getattr(self, name)[beam_idx])

    def detach(self) -> None:
        super().detach()
        self.keys = None if self.keys is None else self.keys.detach()
        self.last = None if self.last is None else self.last.detach()

    def forget(self, rows: Tensor) -> None:
        super().forget(rows)
        if self.stamps is not None:
            self.stamps = self.stamps.masked_fill(rows[:, None], -1)


def locked_dropout(values: Tensor, share: float, training: bool) -> Tensor:
    """(B, T, E): the same places are dropped for the whole of a text's segment."""
    if not training or not share:
        return values
    return values * F.dropout(torch.ones_like(values[:, :1]), share)


class AwdLstmPreTrainedModel(PreTrainedModel):
    config_class = AwdLstmConfig
    base_model_prefix = "model"
    # A state cannot be rolled back, so decoding that guesses ahead (assisted, prompt lookup) is refused.
    _is_stateful = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            init.uniform_(module.weight, -0.1, 0.1)
        elif isinstance(module, nn.Linear):
            init.uniform_(module.weight, -0.1, 0.1)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LSTM):
            for weight in module.parameters():
                init.uniform_(weight, -(module.hidden_size**-0.5), module.hidden_size**-0.5)
        elif isinstance(module, PointerSentinel):
            init.normal_(module.sentinel, std=0.1)


class AwdLstmModel(AwdLstmPreTrainedModel):
    """Token ids to the last LSTM's outputs, before any dropout on them."""

    def __init__(self, config: AwdLstmConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        widths = [config.hidden_size, *[config.inner_size] * (config.num_hidden_layers - 1), config.hidden_size]
        self.lstms = nn.ModuleList(nn.LSTM(inner, outer, batch_first=True) for inner, outer in pairwise(widths))
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.embed_tokens

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.embed_tokens = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: AwdLstmCache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        **_: Any,
    ) -> BaseModelOutputWithPast:
        """`attention_mask` (B, T) or longer marks real tokens; padding may stand on either side."""
        config = self.config
        if inputs_embeds is None:
            inputs_embeds = self._embed(input_ids)
        front = Front((inputs_embeds.shape[0], inputs_embeds.shape[1]), attention_mask, inputs_embeds.device)
        hidden = locked_dropout(front.move(inputs_embeds), config.dropout_input, self.training)
        cache = past_key_values if past_key_values is not None else AwdLstmCache(config)
        hidden_states = [hidden]
        for layer, lstm in enumerate(self.lstms):
            if layer:
                hidden = locked_dropout(hidden, config.dropout_between, self.training)
            hidden, state = self._run(cast(nn.LSTM, lstm), hidden, front.lengths, cache.lstm_state(layer))
            cache.store_lstm_state(layer, state)
            hidden_states.append(hidden)
        return BaseModelOutputWithPast(
            last_hidden_state=front.back(hidden),
            past_key_values=cache if (config.use_cache if use_cache is None else use_cache) else None,
            hidden_states=tuple(map(front.back, hidden_states)) if output_hidden_states else None,
        )

    def _embed(self, input_ids: Tensor | None) -> Tensor:
        assert input_ids is not None
        share = self.config.dropout_words if self.training else 0.0
        if not share:
            return self.embed_tokens(input_ids)
        weight = self.embed_tokens.weight  # whole words are dropped, wherever they stand
        return F.embedding(input_ids, weight * F.dropout(torch.ones_like(weight[:, :1]), share))

    def _run(
        self, lstm: nn.LSTM, hidden: Tensor, lengths: Tensor | None, state: LstmState | None
    ) -> tuple[Tensor, LstmState]:
        share = self.config.dropout_recurrent
        if not (self.training and share and lengths is None):
            return run_lstm(lstm, hidden, lengths, state)
        if state is None:
            zeros = hidden.new_zeros(1, len(hidden), lstm.hidden_size)
            state = zeros, zeros
        into, across, bias_into, bias_across = lstm.all_weights[0]
        weights = [into, F.dropout(across, share), bias_into, bias_across]  # DropConnect, once for the segment
        on_cpu = hidden.device.type == "cpu"
        with torch.autocast("cpu", enabled=False) if on_cpu else nullcontext():  # as in run_lstm
            hidden = hidden.float() if on_cpu else hidden
            output, h, c = torch.lstm(hidden, state, weights, True, 1, 0.0, True, False, True)
        return output, (h, c)


class PointerSentinel(nn.Module):
    """What the pointer sentinel mixture learns: a query, and the sentinel that stands for the vocabulary."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.sentinel = nn.Parameter(torch.empty(width))


class AwdLstmForCausalLM(AwdLstmPreTrainedModel, GenerationMixin):
    _tied_weights_keys: ClassVar = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config: AwdLstmConfig) -> None:
        super().__init__(config)
        self.model = AwdLstmModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.pointer = PointerSentinel(config.hidden_size) if config.pointer == "sentinel" else None
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, value: nn.Linear) -> None:
        self.lm_head = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: AwdLstmCache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """`labels` (B, T) are shifted here, -100 ignored; `logits_to_keep` > 0 keeps that many last positions.

        With a pointer, logits are the logarithms of the mixture. The continuous cache is silent while training.
        """
        cache = past_key_values if past_key_values is not None else AwdLstmCache(self.config)
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=cache,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
        )
        hidden = output.last_hidden_state
        front = Front(hidden.shape[:2], attention_mask, hidden.device)
        positions = cache.advance(front.valid)
        logits = self.lm_head(locked_dropout(hidden, self.config.dropout, self.training)[:, -logits_to_keep:])
        points = self.pointer is not None or (self.config.pointer == "cache" and not self.training)
        if points and input_ids is not None:
            logits = self._point(logits, front.move(hidden), front.move(input_ids), positions, cache, front)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        keep = self.config.use_cache if use_cache is None else use_cache
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=cache if keep else None,
            hidden_states=output.hidden_states,
        )

    def _point(
        self, logits: Tensor, hidden: Tensor, words: Tensor, positions: Tensor, cache: AwdLstmCache, front: Front
    ) -> Tensor:
        """Mix the vocabulary's distribution with that of the pointer; everything but `logits` in reading order."""
        stamps = positions
        if self.pointer is None:
            # A word of the cache is found by what the model put out right before it.
            before = torch.zeros_like(hidden[:, 0]) if cache.last is None else cache.last
            keys = torch.cat([before[:, None], hidden[:, :-1]], 1)
            stamps = positions.masked_fill(positions == 0, -1)  # nothing was put out before the first
            end = torch.full_like(positions[:, 0], -1) if front.lengths is None else front.lengths - 1
            cache.last = hidden[torch.arange(len(hidden), device=hidden.device), end]
        else:
            keys = hidden
        keys, words, stamps = cache.remember(keys, words, stamps)
        query, at = front.back(hidden)[:, -logits.shape[1] :], front.back(positions)[:, -logits.shape[1] :]
        back = at[:, :, None] - stamps[:, None, :]
        visible = (back >= 0) & (back < self.config.pointer_window) & (stamps[:, None, :] >= 0)
        share, weights = self._weights(query, keys, visible, at)
        pointed = torch.zeros_like(logits, dtype=torch.float32).scatter_add_(
            -1, words[:, None, :].expand_as(weights), weights
        )
        mixed = (1 - share) * logits.float().softmax(-1) + pointed
        return mixed.clamp_min(1e-30).log().to(logits.dtype)

    def _weights(self, query: Tensor, keys: Tensor, visible: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        """The pointer's share of the probability, (B, T, 1), and how it falls on the words, (B, T, L)."""
        asked = query if self.pointer is None else torch.tanh(self.pointer.query(query))
        sharpness = self.config.cache_theta if self.pointer is None else 1.0
        scores = sharpness * (asked @ keys.to(asked.dtype).transpose(1, 2)).float()
        scores = scores.masked_fill(~visible, torch.finfo(torch.float32).min)
        if self.pointer is None:
            weights = scores.softmax(-1) * visible
            speaks = visible.any(-1, keepdim=True)
            if self.config.cache_waits:
                speaks = speaks & (at[:, :, None] > self.config.pointer_window)
            share = self.config.cache_share * speaks.float()
            return share, share * weights
        sentinel = (asked @ self.pointer.sentinel.to(asked.dtype)).float()[..., None]
        weights = torch.cat([scores, sentinel], -1).softmax(-1)
        weights, gate = weights[..., :-1] * visible, weights[..., -1:]
        return 1 - gate, weights

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        """generate() is handed an AwdLstmCache where it would build a key-value cache."""
        if generation_config.cache_implementation is not None:
            raise ValueError("AWD-LSTM brings its own cache; leave cache_implementation unset")
        if model_kwargs.get("past_key_values") is None and generation_config.use_cache:
            model_kwargs["past_key_values"] = AwdLstmCache(self.config)
