"""The GPU's kernel for attention, run by Triton's interpreter on a CPU, and compiled for a GPU that need not be there."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="Triton has no wheel for this machine")

# In a process of its own: the interpreter is chosen when Triton is first imported.
COMPARE = """
import torch
import torch.nn.functional as F
from demos.engine.ragged_attention import ragged_attention

torch.manual_seed(0)
cases = [
    (4, 4, 64, 1, None),
    (8, 2, 32, 1, None),
    (4, 4, 24, 32, None),
    (8, 2, 64, 32, None),
    (4, 2, 32, 1, 7),
    (4, 2, 32, 8, 70),
]
for heads, shared, depth, width, wide in cases:
    slots, window = torch.tensor([3, 0, 4]), 200
    keys, values = torch.randn(2, 5, window + 1, shared, depth).unbind()
    keys[:, window] = values[:, window] = float("nan")  # nobody's place, at which nobody looks
    at = torch.stack([torch.arange(start, start + width) for start in (150, 0, 61)])
    at[1, width - width // 3:] = window
    query = torch.randn(1, 3 * width, heads, depth).transpose(1, 2)
    out = ragged_attention(query, keys, values, slots, at, None, wide)
    for row in range(3):
        for t in range(width):
            place, mine = int(at[row, t]), out[0, row * width + t]
            if place == window:
                assert (mine == 0).all()
                continue
            first = max(0, place + 1 - wide) if wide else 0
            k, v = (
                kept[slots[row], first : place + 1].transpose(0, 1).repeat_interleave(heads // shared, 0)
                for kept in (keys, values)
            )
            expected = F.scaled_dot_product_attention(query[0, :, row * width + t][:, None], k, v)[:, 0]
            torch.testing.assert_close(mine, expected, rtol=1e-5, atol=2e-6)
    alone = ragged_attention(query[:, :, :width], keys, values, slots[:1], at[:1], None, wide)
    assert torch.equal(alone[0], out[0, :width]), "company changes a text's numbers"
print("alike")
"""
COMPILE = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
import triton
from demos.engine.ragged_attention import _kernel

pointers = {"query": 0, "keys": 0, "values": 0, "out": 0, "slots": 1, "at": 1}
for numbers in ("bf16", "fp32"):
    for queries, depth in ((16, 64), (32, 128)):
        sizes = {"DEPTH": depth, "QUERIES": queries, "KEYS": 64}
        types = {
            name: "constexpr" if name in sizes
            else ("*i64" if pointers[name] else "*" + numbers) if name in pointers
            else "fp32" if name == "scale" else "i32"
            for name in _kernel.arg_names
        }
        made = triton.compile(ASTSource(_kernel, types, constexprs=sizes), target=GPUTarget("cuda", 90, 32))
        assert made.asm["ptx"]
print("compiled")
"""


def run(script, **variables):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_it_computes_what_torch_computes_for_each_text_alone():
    assert run(COMPARE, TRITON_INTERPRET="1") == "alike"


def test_it_compiles_for_a_gpu(tmp_path):
    assert run(COMPILE, TRITON_CACHE_DIR=str(tmp_path)) == "compiled"
