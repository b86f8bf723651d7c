"""Attention weights in few bytes: eight bits a weight, one packet for each layer.

A packet is a header, then deflated bytes: heads, rows, columns in this order, 255 for all of a row's attention. Rows are
rounded so that their sum is kept (each running sum is rounded, and the differences are sent), so a row of many small
weights does not vanish, every row sums to what it summed to, and no weight is off by more than 1/255. Where nothing lies
above the diagonal, as in causal models, only the lower triangle is sent. `static/demos/attention/packet.js` reads it.
"""

from __future__ import annotations

import struct
import zlib

import torch
from torch import Tensor

MAGIC = b"MCAW"
# magic, version, flags, heads, rows, columns; little-endian
HEADER = struct.Struct("<4sBBHHH")
VERSION = 1
TRIANGLE = 1
# Above this many weights speed counts for more than the last third of the bytes.
LARGE = 500_000


class PacketError(ValueError):
    """Bytes that are no packet of attention weights."""


def pack(weights: Tensor) -> bytes:
    """weights (H, T, L), rows summing to one (or to nothing, for a token that was left out) -> bytes."""
    heads, rows, columns = weights.shape
    running = weights.double().cumsum(-1).mul(255).round().clamp(0, 255)
    steps = torch.diff(running, dim=-1, prepend=torch.zeros(heads, rows, 1, dtype=running.dtype)).to(torch.uint8)
    triangle = rows == columns and rows > 1 and not bool(steps.triu(1).any())
    if triangle:
        below = torch.ones(rows, columns, dtype=torch.bool).tril()
        steps = steps[:, below]
    head = HEADER.pack(MAGIC, VERSION, TRIANGLE if triangle else 0, heads, rows, columns)
    level = 6 if steps.numel() < LARGE else 1
    return head + zlib.compress(steps.contiguous().numpy().tobytes(), level)


def unpack(packet: bytes) -> Tensor:
    """The weights (H, T, L) in a packet. Raises PacketError."""
    if len(packet) < HEADER.size:
        raise PacketError(f"{len(packet)} bytes are no packet of attention weights")
    magic, version, flags, heads, rows, columns = HEADER.unpack_from(packet)
    if magic != MAGIC or version != VERSION:
        raise PacketError(f"a packet begins with {MAGIC!r} and version {VERSION}, this with {magic!r} and {version}")
    count = heads * (rows * (rows + 1) // 2 if flags & TRIANGLE else rows * columns)
    steps = torch.frombuffer(bytearray(zlib.decompress(packet[HEADER.size :])), dtype=torch.uint8)
    if len(steps) != count:
        raise PacketError(f"{count} weights were announced and {len(steps)} came")
    if not flags & TRIANGLE:
        return steps.view(heads, rows, columns).float() / 255
    weights = torch.zeros(heads, rows, columns)
    weights[:, torch.ones(rows, columns, dtype=torch.bool).tril()] = steps.view(heads, -1).float() / 255
    return weights


THUMB = 32


def thumbnails(layers: list[Tensor]) -> bytes:
    """All layers and heads small, as bytes (layers, heads, t, l) behind the usual header, t and l at most THUMB.

    A point shows the strongest weight of the cells it stands for, so that single bright cells stay visible.
    """
    stack = torch.stack(layers)
    count, heads, rows, columns = stack.shape
    small = torch.nn.functional.adaptive_max_pool2d(
        stack.view(count * heads, 1, rows, columns), (min(rows, THUMB), min(columns, THUMB))
    )
    shape = small.shape[-2:]
    head = HEADER.pack(MAGIC, VERSION, 0, count * heads, shape[0], shape[1])
    return head + zlib.compress(small.mul(255).round().to(torch.uint8).contiguous().numpy().tobytes(), 6)
