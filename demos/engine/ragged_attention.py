"""Attention of many texts on a GPU, each over exactly its own tokens: one kernel for all of them.

A text's sum runs over blocks of its own keys, counted from its beginning, so it comes out the same bit for bit whoever
else is in the pass; and no time goes into the empty part of a slot. The sums are those of FlashAttention (Dao et al.
2022, arXiv:2205.14135), kept in single precision. Needs Triton, which comes with torch for CUDA.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

BLOCK = 64  # keys looked at together


@triton.jit
def _kernel(  # type: ignore[no-untyped-def]
    query,
    keys,
    values,
    out,
    slots,
    at,
    scale,
    wide,  # how far a token looks back, 0: to the beginning
    beyond,  # place of what is nobody's
    query_head,
    query_row,
    slot_size,
    place_size,
    width,  # tokens in a row
    groups,  # heads that share a key
    heads,
    depth,  # numbers in a key
    DEPTH: tl.constexpr,
    QUERIES: tl.constexpr,
    KEYS: tl.constexpr,
):
    row = tl.program_id(0)
    shared = tl.program_id(1)
    m = tl.program_id(2) * QUERIES + tl.arange(0, QUERIES)
    d = tl.arange(0, DEPTH)
    token = row * width + m % width
    head = shared * groups + m // width
    place = tl.load(at + token, mask=m < groups * width, other=beyond).to(tl.int32)
    real = place < beyond
    last = tl.max(tl.where(real, place, -1), 0)
    first = 0
    if wide > 0:
        first = tl.maximum(tl.min(tl.where(real, place, beyond), 0) - wide + 1, 0) // KEYS * KEYS
    inside = d < depth
    q = tl.load(
        query + head[:, None] * query_head + token[:, None] * query_row + d[None, :],
        mask=real[:, None] & inside[None, :],
        other=0.0,
    )
    begin = tl.load(slots + row).to(tl.int64) * slot_size + shared * depth
    top = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    mixed = tl.zeros((QUERIES, DEPTH), tl.float32)
    for start in range(first, last + 1, KEYS):
        n = start + tl.arange(0, KEYS)
        there = begin + n[:, None] * place_size + d[None, :]
        k = tl.load(keys + there, mask=(n <= last)[:, None] & inside[None, :], other=0.0)
        v = tl.load(values + there, mask=(n <= last)[:, None] & inside[None, :], other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        seen = n[None, :] <= place[:, None]
        if wide > 0:
            seen = seen & (n[None, :] > place[:, None] - wide)
        scores = tl.where(seen & real[:, None], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        level = tl.where(higher == float("-inf"), 0.0, higher)  # nothing seen so far
        weights = tl.exp(scores - level[:, None])
        shrink = tl.exp(top - level)
        total = total * shrink + tl.sum(weights, 1)
        mixed = mixed * shrink[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        top = higher
    mixed = mixed / tl.where(total == 0, 1.0, total)[:, None]
    tl.store(
        out + (token[:, None] * heads + head[:, None]) * depth + d[None, :],
        mixed.to(out.dtype.element_ty),
        mask=(m < groups * width)[:, None] & inside[None, :],
    )


def ragged_attention(
    query: Tensor, keys: Tensor, values: Tensor, slots: Tensor, at: Tensor, scaling: float | None, wide: int | None
) -> Tensor:
    """query (1, H, R * T, D) at places (R, T) of `slots` (R,), over keys and values (S, W + 1, G, D) -> (1, R * T, H, D).

    A token sees the places up to its own, `wide` of them at most. Place W is nobody's and gets zeros.
    """
    rows, width = at.shape
    _, heads, count, depth = query.shape
    kept, shared = keys.shape[1], keys.shape[2]
    if query.stride(3) != 1:
        query = query.contiguous()
    if not (keys.is_contiguous() and values.is_contiguous() and keys.shape == values.shape and count == rows * width):
        raise ValueError("keys and values of slots are expected as they are kept, and a query for each token")
    out = query.new_empty(1, count, heads, depth)
    groups = heads // shared
    queries = 16 if groups * width <= 16 else 32
    _kernel[(rows, shared, triton.cdiv(groups * width, queries))](
        query,
        keys,
        values,
        out,
        slots,
        at,
        depth**-0.5 if scaling is None else scaling,
        wide or 0,
        kept - 1,
        query.stride(1),
        query.stride(2),
        keys.stride(0),
        keys.stride(1),
        width,
        groups,
        heads,
        depth,
        DEPTH=max(16, triton.next_power_of_2(depth)),
        QUERIES=queries,
        KEYS=BLOCK,
    )
    return out
