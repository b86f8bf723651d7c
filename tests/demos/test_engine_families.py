"""Every way a model remembers: the engine writes what the model's own generate() writes."""

import threading

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BartConfig,
    BloomConfig,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    OpenAIGPTConfig,
    Qwen3Config,
    T5Config,
)

from demos.engine import Engine, GenerationRequest, RequestError
from demos.engine.alone import AloneSlots
from demos.engine.decoder import Piece
from demos.engine.encoder_decoder import EncoderDecoderSlots
from demos.engine.families import _difference, _probe
from demos.engine.key_value import KeyValueSlots
from demos.engine.packed import packed_twin
from demos.engine.reread import RereadSlots
from tests.demos.endless import never_ending

SMALL = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 3, "initializer_range": 0.3}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
SHAPES = {
    "gpt2": (lambda: GPT2Config(n_embd=48, n_layer=3, n_head=4, n_positions=256, initializer_range=0.3), KeyValueSlots),
    "llama": (lambda: LlamaConfig(**SMALL, **HEADS), KeyValueSlots),
    "qwen": (lambda: Qwen3Config(**SMALL, **HEADS, head_dim=16), KeyValueSlots),
    "sliding window": (lambda: MistralConfig(**SMALL, **HEADS, sliding_window=24), KeyValueSlots),
    "positions of its own": (
        lambda: BloomConfig(hidden_size=48, n_layer=3, n_head=4, initializer_range=0.3),
        AloneSlots,
    ),
    "no cache": (
        lambda: OpenAIGPTConfig(n_embd=48, n_layer=2, n_head=4, n_positions=256, initializer_range=0.3),
        RereadSlots,
    ),
    "states of its own": (
        lambda: MambaConfig(hidden_size=48, num_hidden_layers=2, state_size=8, initializer_range=0.3),
        RereadSlots,
    ),
}
T5_HEADS = {
    "d_kv": 12,
    "num_heads": 4,
    "d_ff": 96,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
}
WRITING = {
    "t5": (lambda: T5Config(d_model=48, num_layers=2, num_decoder_layers=3, **T5_HEADS), EncoderDecoderSlots),
    "bart": (
        lambda: BartConfig(
            d_model=48,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=96,
            decoder_ffn_dim=96,
            init_std=0.3,
            max_position_embeddings=256,
            forced_eos_token_id=None,
            forced_bos_token_id=None,
        ),
        AloneSlots,
    ),
}
SHAPES = {**SHAPES, **WRITING}
PROMPTS = ("We", "We study number 7 " * 3, "naïve models of language " * 8)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module", params=SHAPES)
def shape(request):
    return request.param


def kind(shape):
    return AutoModelForSeq2SeqLM if shape in WRITING else AutoModelForCausalLM


@pytest.fixture(scope="module")
def folder(shape, tiny_model, tmp_path_factory):
    """Random weights of this shape with the tiny tokenizer."""
    path = tmp_path_factory.mktemp("models") / "model"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.save_pretrained(path)
    config = SHAPES[shape][0]()
    config.vocab_size = len(tokenizer)
    config.decoder_start_token_id = tokenizer.eos_token_id
    config.bos_token_id = config.eos_token_id = config.pad_token_id = tokenizer.eos_token_id
    torch.manual_seed(2)
    model = kind(shape).from_config(config)
    if shape == "t5":  # its own initial weights are so small that every output is the same
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(torch.randn_like(weight) * 0.3 if weight.dim() > 1 else torch.ones_like(weight))
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def engine(folder):
    engine = Engine(slots=5)
    engine.load("model", folder)
    yield engine
    engine.stop()


def submit(engine, prompt, **fields):
    tokens = []
    request = GenerationRequest(**{"model": "model", "prompt": prompt, "max_new_tokens": 40, **fields})
    return engine.submit(request, tokens.extend), tokens


def generated(shape, folder, prompt, **options):
    model = kind(shape).from_pretrained(folder).eval()
    ids = AutoTokenizer.from_pretrained(folder)(prompt, return_tensors="pt")["input_ids"]
    mask = torch.ones_like(ids)
    options["use_cache"] = shape != "t5"  # generate() makes a cache for as many layers as the encoder has
    output = model.generate(ids, attention_mask=mask, max_new_tokens=40, do_sample=False, pad_token_id=0, **options)
    tokens = output[0, 1 if shape in WRITING else ids.shape[1] :].tolist()
    return tokens[:-1] if tokens[-1] == model.generation_config.eos_token_id else tokens


def test_the_family_is_told_by_what_the_model_does(engine, shape):
    assert type(engine._models["model"].decoder) is SHAPES[shape][1]


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_output_equals_generate_token_for_token(engine, shape, folder, penalty):
    asked = [submit(engine, prompt, temperature=0, repetition_penalty=penalty) for prompt in PROMPTS]
    for handle, _ in asked:
        handle.result(60)
    ends = engine._models["model"].loaded.ends  # reported where bytes of a character were held back until the end
    written = [[t.id for t in tokens if t.id not in ends] for _, tokens in asked]
    assert max(map(len, written)) > 10
    assert written == [generated(shape, folder, prompt, repetition_penalty=penalty) for prompt in PROMPTS]


def test_the_same_request_gives_the_same_tokens_in_any_company(engine):
    alone, expected = submit(engine, PROMPTS[1], seed=3, alternatives=3)
    alone.result(60)
    first = [submit(engine, p, seed=n, max_new_tokens=60) for n, p in enumerate((*PROMPTS, PROMPTS[2]))]
    middle = submit(engine, PROMPTS[1], seed=3, alternatives=3)
    last = [submit(engine, p, seed=9, temperature=1.5, max_new_tokens=7) for p in PROMPTS]
    again = submit(engine, PROMPTS[1], seed=3, alternatives=3)
    for handle, _ in [*first, middle, *last, again]:
        handle.result(60)
    assert middle[1] == expected
    assert again[1] == expected


def test_texts_are_read_in_the_step_of_others(folder, shape):
    """A pass that does both gives the bits of two that do one each."""
    if SHAPES[shape][1] is not KeyValueSlots:
        pytest.skip("this shape is not served by slots of keys and values")
    torch.set_num_threads(1)
    model = packed_twin(AutoModelForCausalLM.from_pretrained(folder).eval())
    text, other = list(range(3, 40)), list(range(60, 90))

    def written(together):
        decoder = KeyValueSlots(model, 6, padded=False)
        assert decoder.mixes
        decoder.start(2, text)
        rows = [decoder.read([Piece(2, 0, text[:32]), Piece(2, 32, text[32:])])[1]]
        tokens = torch.zeros(6, dtype=torch.long)
        tokens[2] = 7
        decoder.start(4, other)
        if together:
            step, read = decoder.step_and_read(tokens, [2], [Piece(4, 0, other)])
        else:
            step, read = decoder.step(tokens, [2]), decoder.read([Piece(4, 0, other)])
        rows += [step[2], read[0]]
        tokens[4] = 8
        step = decoder.step(tokens, [2, 4])
        return torch.stack([*rows, step[2], step[4]])

    assert torch.equal(written(True), written(False))


def test_one_product_over_the_whole_window_gives_the_same_logits(folder, shape):
    """What devices use that dislike many small calls."""
    if SHAPES[shape][1] is not KeyValueSlots:
        pytest.skip("this shape is not served by slots of keys and values")
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens, expected = _probe(model)
    assert _difference(KeyValueSlots(model, 3, padded=True), tokens, expected) < 1e-3


class Replay:
    """Stands for a recorded pass: computed from the same buffers into the same output, over what lay there."""

    def __init__(self, recorded):
        self.recorded = recorded

    def replay(self):
        self.recorded.output.copy_(self.recorded.compute(*self.recorded.buffers))


def test_what_a_replay_gave_outlives_the_next_one(folder, shape):
    if SHAPES[shape][1] is not KeyValueSlots:
        pytest.skip("this shape is not served by slots of keys and values")
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens, expected = _probe(model)
    decoder = KeyValueSlots(model, 3, padded=True)
    for recorded in (decoder.steps, decoder.reads):
        with torch.inference_mode():
            recorded.output = recorded.compute(*recorded.buffers)
        recorded.graph = Replay(recorded)
    assert _difference(decoder, tokens, expected) < 1e-3


def test_in_one_product_nobody_changes_a_bit_of_anybody_else(folder, shape):
    """Alone, and beside texts that are read and written meanwhile; what cannot be recorded is computed each time."""
    if SHAPES[shape][1] is not KeyValueSlots:
        pytest.skip("this shape is not served by slots of keys and values")
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    prompt, others = list(range(3, 50)), [list(range(60, 60 + n)) for n in (40, 9, 64)]

    def written(company):
        decoder = KeyValueSlots(model, 4, padded=True, graphs=True)
        decoder.start(1, prompt)
        pieces = [Piece(1, 0, prompt[:32]), Piece(1, 32, prompt[32:])]
        beside = dict(zip((0, 2, 3), company, strict=False))
        for slot, text in beside.items():
            decoder.start(slot, text)
            pieces.insert(slot % 2, Piece(slot, 0, text[:32]))
        rows = [decoder.read(pieces[:4])[pieces.index(Piece(1, 32, prompt[32:]))]] if len(pieces) <= 4 else []
        if not rows:
            decoder.read(pieces[:3])
            rows = [decoder.read(pieces[3:])[-1]]
        for _ in range(6):
            tokens = torch.full((4,), 7)
            tokens[1] = rows[-1].argmax()
            rows.append(decoder.step(tokens, [1, *beside])[1].clone())
        assert decoder.steps.graph is None
        return torch.stack(rows)

    assert torch.equal(written(others), written([]))
    assert torch.equal(written(others[:1]), written([]))


def test_a_text_ends_where_the_window_ends(engine, shape):
    window = engine._models["model"].decoder.window
    if window > 300:
        pytest.skip("this shape has no window worth filling")
    handle, tokens = submit(engine, "We study number 7 " * 40, max_new_tokens=10_000, temperature=2.0)
    finished = handle.result(120)
    assert finished.reason in ("length", "stop")
    if finished.reason == "length":
        read = 1 if shape in WRITING else finished.prompt_tokens
        assert read + len(tokens) == window + 1


def test_a_prompt_longer_than_the_window_is_refused_with_the_number(engine):
    window = engine._models["model"].decoder.window
    with pytest.raises(RequestError, match=f"this model reads at most {min(window, 512)}"):
        submit(engine, "We study number 7 naïve models " * 200)


def test_a_cancelled_text_leaves_within_one_step(engine):
    never_ending(engine, "model")
    tokens, handles, known = [], [], threading.Event()

    def stop_after_two(new):
        tokens.extend(new)
        if len(tokens) == 2:
            assert known.wait(60)  # the step loop may be faster than this thread
            handles[0].cancel()

    request = GenerationRequest("model", "We", max_new_tokens=200, temperature=2.0, seed=4)
    handles.append(engine.submit(request, stop_after_two))
    known.set()
    assert handles[0].result(60).reason == "cancelled"
    assert len(tokens) == 2
