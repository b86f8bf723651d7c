"""SHA-RNN in torch, as a `transformers` causal language model.

Stephen Merity, "Single Headed Attention RNN: Stop Thinking With Your Head", arXiv:1911.11423, following the
author's released code. Each block is an LSTM, in some blocks one attention head over a memory of past
tokens, and a "Boom" feed-forward layer whose way down is a plain sum. Letters in shape comments:
B rows in the batch, T tokens in this segment, L tokens the head can look back on, E width.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from ..recurrent import Front, RecurrentCache, needed_from, run_lstm
from .configuration_sha_rnn import ShaRnnConfig


class ShaRnnCache(RecurrentCache):
    """What a SHA-RNN carries from one segment to the next.

    Beside the LSTMs' states per head the rows it can look back on, (B, L, E), with the position of each row in its
    text, (B, L), -1 marking padding. The head sees the `memory_size` rows before a token and the token itself, however
    the text was cut into segments.
    """

    def __init__(self, config: ShaRnnConfig) -> None:
        super().__init__()
        self.memory_size = config.memory_size
        self.banks: dict[int, Tensor] = {}
        self.stamps: dict[int, Tensor] = {}

    def remember(self, layer: int, rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Add a segment's rows (B, T, E) to the head's memory; returns all it may look at and their positions."""
        if layer in self.banks:
            rows = torch.cat([self.banks[layer], rows], dim=1)
            positions = torch.cat([self.stamps[layer], positions], dim=1)
        self.banks[layer], self.stamps[layer] = rows, positions
        if positions.shape[1] > self.memory_size:
            # Rows that no later token of any text in the batch can see are dropped from the front.
            first = needed_from(positions, self.memory_size)
            self.banks[layer], self.stamps[layer] = rows[:, first:], positions[:, first:]
        return rows, positions

    def reorder_cache(self, beam_idx: Tensor) -> None:
        super().reorder_cache(beam_idx)
        self.banks = {i: bank[beam_idx] for i, bank in self.banks.items()}
        self.stamps = {i: stamp[beam_idx] for i, stamp in self.stamps.items()}

    def detach(self) -> None:
        super().detach()
        self.banks = {i: bank.detach() for i, bank in self.banks.items()}

    def forget(self, rows: Tensor) -> None:
        super().forget(rows)
        self.stamps = {i: stamp.masked_fill(rows[:, None], -1) for i, stamp in self.stamps.items()}


class StaticGate(nn.Module):
    """A learned vector in (-1, 1), over-parametrised while training: sigmoid(f) * tanh(c), (c, f) = W sigmoid(s) + b.

    It depends on no input, so after training `collapse` stores the vector itself.
    """

    def __init__(self, width: int, collapsed: bool) -> None:
        super().__init__()
        self.source = nn.Parameter(torch.zeros(width))
        self.expand = None if collapsed else nn.Linear(width, 2 * width)

    def forward(self) -> Tensor:
        if self.expand is None:
            return self.source
        candidate, gate = self.expand(torch.sigmoid(self.source)).chunk(2, dim=-1)
        return torch.sigmoid(gate) * torch.tanh(candidate)

    @torch.no_grad()
    def collapse(self) -> None:
        self.source.copy_(self())
        self.expand = None


class SingleHead(nn.Module):
    """One attention head of the model's full width: only the query has a matrix; keys and values are gated rows."""

    def __init__(self, config: ShaRnnConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.memory_size = config.memory_size
        self.query = nn.Linear(width, width)
        self.norm_query = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.query_gate = nn.Parameter(torch.zeros(width))
        self.key_gate = nn.Parameter(torch.zeros(width))
        self.value_gate = StaticGate(width, config.collapsed_gates)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, hidden: Tensor, bank: Tensor, positions: Tensor, stamps: Tensor, output_attentions: bool
    ) -> tuple[Tensor, Tensor | None]:
        """hidden (B, T, E), bank (B, L, E), positions (B, T), stamps (B, L) -> (B, T, E), weights (B, 1, T, L)."""
        query = self.dropout(torch.sigmoid(self.query_gate) * self.norm_query(self.query(hidden)))
        # q . (gate * k) = (gate * q) . k: gating the one query spares a copy of the whole memory; so for the values.
        query = torch.sigmoid(self.key_gate) * query
        value_gate = self.value_gate()
        back = positions[:, :, None] - stamps[:, None, :]  # (B, T, L): how far back each row lies
        visible = (back >= 0) & (back <= self.memory_size) & (stamps[:, None, :] >= 0)
        # A padding token has nothing to look at; let it see everything, its output is never used.
        visible = visible | (positions[:, :, None] < 0)
        # For a single token two plain products are faster than the fused kernel.
        if not output_attentions and query.shape[1] > 1:
            value = self.dropout(bank)
            mixed = F.scaled_dot_product_attention(query[:, None], bank[:, None], value[:, None], visible[:, None])
            return value_gate * mixed[:, 0], None
        scores = query @ bank.transpose(1, 2) / query.shape[-1] ** 0.5
        weights = scores.masked_fill(~visible, torch.finfo(scores.dtype).min).softmax(-1)
        return value_gate * (weights @ self.dropout(bank)), weights[:, None] if output_attentions else None


class Boom(nn.Module):
    """E -> 4E -> E, the way down being a sum over the four chunks: half the weights of a usual feed-forward layer."""

    def __init__(self, config: ShaRnnConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.hidden_size, config.boom_factor * config.hidden_size)
        self.factor = config.boom_factor
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        up = self.up(hidden)
        up = self.dropout(up * torch.sigmoid(1.702 * up))  # the paper's approximation of GELU
        return up.unflatten(-1, (self.factor, -1)).sum(-2)


class ShaRnnBlock(nn.Module):
    def __init__(self, config: ShaRnnConfig, layer: int) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.layer = layer
        self.residual = config.lstm_residual
        self.norm_in = nn.LayerNorm(width, eps=eps)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.head: SingleHead | None = None
        if layer in config.attention_layers:
            self.norm_memory = nn.LayerNorm(width, eps=eps)
            self.norm_head = nn.LayerNorm(width, eps=eps)
            self.head = SingleHead(config)
        self.norm_residual = nn.LayerNorm(width, eps=eps)
        self.norm_boom = nn.LayerNorm(width, eps=eps)
        self.boom = Boom(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, hidden: Tensor, positions: Tensor, lengths: Tensor | None, cache: ShaRnnCache, output_attentions: bool
    ) -> tuple[Tensor, Tensor | None]:
        hidden = self.norm_in(hidden)
        recurrent, state = run_lstm(self.lstm, hidden, lengths, cache.lstm_state(self.layer))
        cache.store_lstm_state(self.layer, state)
        recurrent = self.dropout(recurrent)
        hidden = hidden + recurrent if self.residual else recurrent
        weights = None
        if self.head is not None:
            bank, stamps = cache.remember(self.layer, self.norm_memory(hidden), positions)
            hidden = self.norm_head(hidden)
            mixed, weights = self.head(hidden, bank, positions, stamps, output_attentions)
            hidden = hidden + self.dropout(mixed)
        boom = self.boom(self.norm_boom(hidden))
        return self.norm_residual(hidden) + self.dropout(boom), weights


class ShaRnnPreTrainedModel(PreTrainedModel):
    config_class = ShaRnnConfig
    base_model_prefix = "model"
    _no_split_modules: ClassVar = ["ShaRnnBlock"]
    # A state cannot be rolled back, so decoding that guesses ahead (assisted, prompt lookup) is refused.
    _is_stateful = True

    def _init_weights(self, module: nn.Module) -> None:
        """N(0, 0.1 / sqrt(E)) as released; layer norms start at one, which apex's fused ones did there too."""
        std = self.config.initializer_range or 0.1 / self.config.hidden_size**0.5
        if isinstance(module, nn.Linear | nn.Embedding):
            init.normal_(module.weight, mean=0.0, std=std)
            if getattr(module, "bias", None) is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LSTM):
            bound = self.config.hidden_size**-0.5
            for name, weight in module.named_parameters():
                if "weight" in name:
                    init.uniform_(weight, -bound, bound)
                else:
                    init.zeros_(weight)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, SingleHead):
            init.zeros_(module.query_gate)
            init.zeros_(module.key_gate)
        elif isinstance(module, StaticGate):
            init.zeros_(module.source)


class ShaRnnModel(ShaRnnPreTrainedModel):
    """Token ids to hidden states."""

    def __init__(self, config: ShaRnnConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.blocks = nn.ModuleList(ShaRnnBlock(config, layer) for layer in range(config.num_hidden_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.embed_tokens

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.embed_tokens = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: ShaRnnCache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **_: Any,
    ) -> BaseModelOutputWithPast:
        """`attention_mask` (B, T) or longer marks real tokens; padding may stand on either side.

        `attentions` holds one (B, 1, T, L) tensor for each block with a head, in the order of
        `config.attention_layers`; L counts the remembered rows before this segment and the segment itself.
        """
        if inputs_embeds is None:
            inputs_embeds = self.embed_tokens(input_ids)
        hidden = self.dropout(inputs_embeds)
        front = Front(hidden.shape[:2], attention_mask, hidden.device)
        hidden = front.move(hidden)
        cache = past_key_values if past_key_values is not None else ShaRnnCache(self.config)
        positions = cache.advance(front.valid)

        hidden_states, attentions = [hidden], []
        for block in self.blocks:
            hidden, weights = block(hidden, positions, front.lengths, cache, bool(output_attentions))
            hidden_states.append(hidden)
            if weights is not None:
                attentions.append(weights)
        hidden = front.back(self.dropout(hidden))
        if output_hidden_states:
            hidden_states = [front.back(h) for h in hidden_states]
        return BaseModelOutputWithPast(
            last_hidden_state=hidden,
            past_key_values=cache if (self.config.use_cache if use_cache is None else use_cache) else None,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
            attentions=tuple(attentions) if output_attentions else None,
        )

    def collapse_gates(self) -> None:
        """Store each head's value gate as its final vector; the model computes the same as before."""
        for module in self.modules():
            if isinstance(module, StaticGate):
                module.collapse()
        self.config.collapsed_gates = True


class ShaRnnForCausalLM(ShaRnnPreTrainedModel, GenerationMixin):
    _tied_weights_keys: ClassVar = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config: ShaRnnConfig) -> None:
        super().__init__(config)
        self.model = ShaRnnModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, value: nn.Linear) -> None:
        self.lm_head = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: ShaRnnCache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """`labels` (B, T) are shifted here, -100 ignored; `logits_to_keep` > 0 keeps that many last positions."""
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
        )
        logits = self.lm_head(output.last_hidden_state[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=output.past_key_values,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        """generate() is handed a ShaRnnCache where it would build a key-value cache."""
        if generation_config.cache_implementation is not None:
            raise ValueError("SHA-RNN brings its own cache; leave cache_implementation unset")
        if model_kwargs.get("past_key_values") is None and generation_config.use_cache:
            model_kwargs["past_key_values"] = ShaRnnCache(self.config)
