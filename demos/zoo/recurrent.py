"""What recurrent models share: states that run on from segment to segment, and padding they must not see."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

LstmState = tuple[Tensor, Tensor]


class RecurrentCache:
    """The LSTMs' hidden and cell states, each (1, B, E) by layer, and how much of its text each row has had."""

    is_compileable = False

    def __init__(self) -> None:
        self.states: dict[int, LstmState] = {}
        self.lengths: Tensor | None = None  # (B,) tokens seen so far, padding not counted
        self.seen = 0  # columns seen so far, padding counted: what generate() calls the sequence length

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self.seen

    def lstm_state(self, layer: int) -> LstmState | None:
        return self.states.get(layer)

    def store_lstm_state(self, layer: int, state: LstmState) -> None:
        self.states[layer] = state

    def advance(self, valid: Tensor) -> Tensor:
        """Count the tokens of a segment; returns the position of each, (B, T), -1 where `valid` is False."""
        if self.lengths is None:
            self.lengths = torch.zeros(valid.shape[0], dtype=torch.long, device=valid.device)
        positions = self.lengths[:, None] + valid.long().cumsum(1) - 1
        self.lengths = self.lengths + valid.long().sum(1)
        self.seen += valid.shape[1]
        return positions.masked_fill(~valid, -1)

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Take over the rows that beam search kept."""
        self.states = {i: (h[:, beam_idx], c[:, beam_idx]) for i, (h, c) in self.states.items()}
        if self.lengths is not None:
            self.lengths = self.lengths[beam_idx]

    def detach(self) -> None:
        """Cut the gradient here: truncated back-propagation through time."""
        self.states = {i: (h.detach(), c.detach()) for i, (h, c) in self.states.items()}

    def forget(self, rows: Tensor) -> None:
        """Start the texts in `rows` (B,) anew."""
        keep = (~rows).to(next(iter(self.states.values()))[0].dtype)[None, :, None]
        self.states = {i: (h * keep, c * keep) for i, (h, c) in self.states.items()}
        if self.lengths is not None:
            self.lengths = self.lengths.masked_fill(rows, 0)


def needed_from(positions: Tensor, reach: int) -> int:
    """First column of (B, L) positions that a later token may still look at, `reach` tokens back."""
    oldest = positions.amax(1, keepdim=True) + 1 - reach
    needed = ((positions >= 0) & (positions >= oldest)).any(0)
    return int(needed.to(torch.uint8).argmax())


class Front:
    """Real tokens moved to the front of each row, padding behind them: an LSTM has no mask."""

    def __init__(self, shape: tuple[int, int], attention_mask: Tensor | None, device: torch.device) -> None:
        rows, width = shape
        self.valid = torch.ones(rows, width, dtype=torch.bool, device=device)
        self.order: Tensor | None = None
        self.lengths: Tensor | None = None  # (B,) real tokens, None where all are real
        if attention_mask is not None and not bool(attention_mask[:, -width:].all()):
            valid = attention_mask[:, -width:].bool()
            if not bool(valid.any(1).all()):
                raise ValueError("every row of a batch needs at least one token that is not padding")
            self.order = (~valid).to(torch.uint8).argsort(dim=1, stable=True)
            self.valid = valid.gather(1, self.order)
            self.lengths = valid.sum(1)

    def move(self, values: Tensor) -> Tensor:
        """(B, T) or (B, T, E) into the order in which the model reads."""
        return values if self.order is None else _take(values, self.order)

    def back(self, values: Tensor) -> Tensor:
        """And back into the order of the batch."""
        return values if self.order is None else _take(values, self.order.argsort(dim=1))


def _take(values: Tensor, order: Tensor) -> Tensor:
    return values.gather(1, order if values.ndim == 2 else order[:, :, None].expand_as(values))


def run_lstm(
    lstm: nn.LSTM, hidden: Tensor, lengths: Tensor | None, state: LstmState | None
) -> tuple[Tensor, LstmState]:
    """`lengths` (B,) is given when rows end in padding: their states stop at the last real token."""
    if hidden.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):  # not every CPU has LSTMs in half precision
            return run_lstm(lstm, hidden.float(), lengths, state)
    if hidden.shape[1] == 1 and state is not None and lengths is None:
        # One step needs no loop over time; generation is made of these.
        if isinstance(lstm, nn.LSTM):
            h, c = torch.lstm_cell(hidden[:, 0], (state[0][0], state[1][0]), *lstm.all_weights[0])
        else:  # one that stands for it and has a faster way
            h, c = lstm.step(hidden[:, 0], state[0][0], state[1][0])
        return h[:, None], (h[None], c[None])
    if lengths is None:
        return lstm(hidden, state)
    packed = pack_padded_sequence(hidden, lengths.cpu(), batch_first=True, enforce_sorted=False)
    output, new_state = lstm(packed, state)
    output, _ = pad_packed_sequence(output, batch_first=True, total_length=hidden.shape[1])
    return output, new_state
