"""What only a CUDA device shows: recorded passes, the ragged kernel, memory (`make test-gpu`)."""

import gc
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    T5Config,
)

from demos.coding.reading import Coding
from demos.engine import (
    Attention,
    AttentionCapture,
    Classification,
    Embeddings,
    Engine,
    FillMask,
    GenerationRequest,
    OneShot,
    RequestError,
    Steering,
    Surprisal,
)
from demos.engine.encoder_decoder import EncoderDecoderSlots
from demos.engine.grid_attention import ragged_attention
from demos.engine.key_value import KeyValueSlots
from demos.engine.recurrent import ShaRnnSlots
from demos.lens.betting import WordChances
from demos.lens.gradients import Steepest
from demos.lens.masks import GuessWords, Hidden
from demos.lens.pruning import Plan, Thinning
from demos.lens.reading import Look
from demos.lens.words import words_of

CHECKPOINTS = Path(__file__).parents[2] / "demos" / "checkpoints"
TEXT = "We propose a neural model of language that reads text and attends to what it has seen before."
SMALL = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
}
SHAPES = {
    "gpt2": (
        lambda: GPT2Config(n_embd=192, n_layer=3, n_head=3, n_positions=512, initializer_range=0.2),
        KeyValueSlots,
    ),
    "llama": (lambda: LlamaConfig(**SMALL), KeyValueSlots),
    "sliding window": (lambda: MistralConfig(**SMALL, sliding_window=24), KeyValueSlots),
    "t5": (lambda: T5Config(d_model=96, d_kv=32, num_heads=3, d_ff=192, num_layers=2), EncoderDecoderSlots),
}


def write_model(shape, folder):
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINTS / "sha-rnn")
    tokenizer.save_pretrained(folder)
    config = SHAPES[shape][0]()
    config.vocab_size = len(tokenizer)
    config.pad_token_id = config.decoder_start_token_id = 0
    config.bos_token_id = config.eos_token_id = None
    torch.manual_seed(0)
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    auto.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {shape: write_model(shape, tmp_path_factory.mktemp("models") / "model") for shape in SHAPES} | {
        "sha-rnn": CHECKPOINTS / "sha-rnn"
    }


def engine_for(folder, **options):
    engine = Engine(**{"slots": 8, "device": "cuda", "dtype": torch.float32, "graphs": True, **options})
    engine.load("model", folder)
    return engine


def written(engine, prompts, new=30, **fields):
    found = [[] for _ in prompts]
    handles = [
        engine.submit(
            GenerationRequest("model", prompt, max_new_tokens=new, **{"temperature": 0.0, **fields}), tokens.extend
        )
        for prompt, tokens in zip(prompts, found, strict=True)
    ]
    for handle in handles:
        assert not handle.result(120).error
    return [[(t.id, t.probability, tuple(t.alternatives)) for t in tokens] for tokens in found]


PROMPTS = [TEXT, "We", "language " * 70, TEXT * 4, "A study of " * 9]


@pytest.mark.parametrize("shape", [*SHAPES, "sha-rnn"])
def test_greedy_output_is_that_of_generate(folders, shape):
    engine = engine_for(folders[shape])
    served = engine._models["model"]
    kind = ShaRnnSlots if shape == "sha-rnn" else SHAPES[shape][1]
    assert type(served.decoder) is kind
    found = written(engine, PROMPTS)
    engine.stop()
    auto = AutoModelForSeq2SeqLM if shape == "t5" else AutoModelForCausalLM
    model = auto.from_pretrained(folders[shape], dtype=torch.float32).cuda().eval()
    for prompt, tokens in zip(PROMPTS, found, strict=True):
        ids = served.loaded.tokenizer(prompt, return_tensors="pt")["input_ids"].cuda()
        expected = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, do_sample=False, pad_token_id=0
        )[0]
        new = expected[1:] if shape == "t5" else expected[ids.shape[1] :]
        assert [t for t, *_ in tokens] == new.tolist()[: len(tokens)]
        assert len(tokens) >= len(new) - 1  # the sign that ends a text is not handed out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", ["gpt2", "llama", "sliding window", "sha-rnn"])
def test_nobody_changes_a_bit_of_anybody_else(folders, shape, dtype):
    engine = engine_for(folders[shape], dtype=dtype)
    sampled = {"temperature": 0.9, "top_p": 0.9, "seed": 3, "alternatives": 3}
    alone = written(engine, [TEXT], **sampled)[0]
    together = written(
        engine, ["language " * 200, TEXT, "We", *["A study " * n for n in range(1, 12)], TEXT], **sampled
    )
    engine.stop()
    assert together[1] == alone
    assert together[-1] == alone


@pytest.mark.parametrize("shape", ["gpt2", "llama", "sliding window"])
def test_recorded_passes_write_what_others_write(folders, shape):
    assert ragged_attention is not None
    texts = {}
    for graphs in (True, False):
        engine = engine_for(folders[shape], graphs=graphs)
        texts[graphs] = written(engine, PROMPTS, temperature=0.8, seed=5)
        decoder = engine._models["model"].decoder
        assert [r.graph is not None for r in (decoder.steps, decoder.reads)] == [graphs, graphs]
        engine.stop()
    assert texts[True] == texts[False]


def test_hooks_see_and_steer_their_own_text(folders):
    engine = engine_for(folders["gpt2"])
    plain = written(engine, [TEXT, "We"], new=12)
    capture = AttentionCapture(1)
    steered = Steering(1, torch.randn(192) * 50)
    looked, beside = [], []
    handles = [
        engine.submit(GenerationRequest("model", TEXT, 12, temperature=0.0, hooks=(capture,)), looked.extend),
        engine.submit(GenerationRequest("model", "We", 12, temperature=0.0), beside.extend),
    ]
    assert not any(handle.result(60).error for handle in handles)
    assert [t.id for t in looked] == [t for t, *_ in plain[0]]
    assert [t.id for t in beside] == [t for t, *_ in plain[1]]
    assert capture.spans
    for start, weights in capture.spans:
        assert weights.shape[2] == start + weights.shape[1]
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:2]))
    assert written(engine, [TEXT], new=12, hooks=(steered,))[0] != plain[0]
    assert written(engine, [TEXT], new=12)[0] == plain[0]
    engine.stop()


JOBS = {
    "surprisal": ("sha-rnn", lambda: Surprisal("model", TEXT), lambda r: [s.logprob for s in r[1:]]),
    "attention": ("gpt", lambda: Attention("model", TEXT), lambda r: torch.stack(r.weights).flatten().tolist()),
    "head over memory": (
        "sha-rnn",
        lambda: Look("model", TEXT),
        lambda r: torch.stack([w for m in r.maps for w in m.weights]).flatten().tolist(),
    ),
    "kernels": ("bigs", lambda: Look("model", TEXT), lambda r: r.kernels.forward.flatten().tolist()),
    "mask": ("bigs", lambda: FillMask("model", TEXT, positions=(3,)), lambda r: [p for *_, p in r.places[0].words]),
    "guess": ("bigs", lambda: GuessWords("model", TEXT, (Hidden(3, 10),)), lambda r: [g.truth for g in r]),
    "chances": (
        "gpt",
        lambda: WordChances("model", TEXT, tuple(words_of(TEXT)[3:6])),
        lambda r: [chance.bits for chance in r],
    ),
    "thinning": (
        "gpt",
        lambda: Thinning("model", TEXT, Plan(sparsities=(0.0, 0.5))),
        lambda r: [v.perplexity for v in r],
    ),
    "classes": ("paper-field", lambda: Classification("model", (TEXT,)), lambda r: sorted(r[0].values())),
    "steepest": (
        "paper-field",
        lambda: Steepest("model", TEXT, 3, 10, "Language"),
        lambda r: [rise for _, rise in r[:3]],
    ),
    "vectors": (
        "bigs",
        lambda: Embeddings("model", (TEXT, "Another")),
        lambda r: torch.as_tensor(r).flatten().tolist(),
    ),
}


@pytest.mark.parametrize("job", JOBS)
def test_one_shot_work_gives_the_numbers_of_a_cpu(job):
    folder, make, numbers = JOBS[job]
    found = {}
    for device in ("cpu", "cuda"):
        engine = engine_for(CHECKPOINTS / folder, device=device)
        found[device] = numbers(engine.run(make()).result(120))
        engine.stop()
    assert found["cuda"]
    torch.testing.assert_close(torch.tensor(found["cuda"]), torch.tensor(found["cpu"]), rtol=5e-3, atol=5e-4)


@pytest.mark.parametrize("folder", ["gpt", "sha-rnn"])
def test_a_coded_text_comes_back(folder):
    engine = engine_for(CHECKPOINTS / folder, dtype=torch.bfloat16)
    result = engine.run(Coding("model", TEXT * 3)).result(120)
    engine.stop()
    assert result.text == TEXT * 3


class Greedy(OneShot):
    """Work that wants a gibibyte."""

    def work(self, loaded):
        yield
        return torch.empty(2**30, dtype=torch.uint8, device=loaded.model.device)


def test_no_memory_ends_the_request_and_not_the_worker(folders):
    engine = engine_for(folders["gpt2"])
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**28) / total)
    try:
        with pytest.raises(RequestError, match="ran out of memory"):
            engine.run(Greedy("model")).result(120)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert written(engine, [TEXT])[0]
    engine.stop()


def test_a_model_that_leaves_gives_its_memory_back(folders):
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    engine = engine_for(folders["llama"])
    written(engine, [TEXT])
    assert torch.cuda.memory_allocated() > before + 2**20
    engine.unload("model")
    gc.collect()
    assert torch.cuda.memory_allocated() <= before + 2**20, "while the engine waits for the next request"
    engine.stop()


def test_another_model_is_loaded_while_one_writes(folders):
    engine = engine_for(folders["gpt2"])
    found = []
    handle = engine.submit(GenerationRequest("model", TEXT, 400, temperature=0.0), found.extend)
    engine.load("other", folders["llama"])
    assert handle.result(120).new_tokens == 400
    decoder = engine._models["other"].decoder
    tokens = []
    engine.submit(GenerationRequest("other", TEXT, 20, temperature=0.0), tokens.extend).result(60)
    assert len(tokens) == 20
    assert decoder.steps.graph is not None
    engine.stop()
