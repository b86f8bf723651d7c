"""The arithmetic coder, on any frequencies and with a real model's probabilities: what went in comes out."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.coding.compressors import sizes
from demos.coding.container import Coded
from demos.coding.ranges import LARGEST_TOTAL, CodeError, Decoder, Encoder


def cumulative(frequencies):
    sums = [0]
    for frequency in frequencies:
        sums.append(sums[-1] + frequency)
    return sums


def coded(symbols):
    """[(frequencies, symbol), ...] -> bytes."""
    encoder = Encoder()
    for frequencies, symbol in symbols:
        sums = cumulative(frequencies)
        encoder.encode(sums[symbol], sums[symbol + 1], sums[-1])
    return encoder.finish()


def decoded(code, tables):
    decoder, found = Decoder(code), []
    for frequencies in tables:
        sums = cumulative(frequencies)
        target = decoder.target(sums[-1])
        symbol = next(i for i in range(len(frequencies)) if sums[i] <= target < sums[i + 1])
        decoder.take(sums[symbol], sums[symbol + 1], sums[-1])
        found.append(symbol)
    return found


@st.composite
def texts(draw):
    table = st.lists(st.integers(1, LARGEST_TOTAL // 8), min_size=1, max_size=8)
    tables = draw(st.lists(table, max_size=60))
    return [(frequencies, draw(st.integers(0, len(frequencies) - 1))) for frequencies in tables]


@given(texts())
@settings(max_examples=300, deadline=None)
def test_symbols_come_back_and_cost_what_their_shares_say(symbols):
    code = coded(symbols)
    assert decoded(code, [frequencies for frequencies, _ in symbols]) == [symbol for _, symbol in symbols]
    bits = sum(math.log2(sum(frequencies) / frequencies[symbol]) for frequencies, symbol in symbols)
    assert bits <= 8 * len(code) <= bits + 2 + 8 + 1e-6 * len(symbols)


@given(st.binary(min_size=8, max_size=8), st.integers(0, 2**28 - 1), st.binary(max_size=40))
def test_a_file_says_what_it_holds(model, tokens, code):
    coded = Coded(model, tokens, code)
    assert Coded.unpack(coded.pack()) == coded


@pytest.mark.parametrize(
    "data", [b"", b"MCAC", b"GIF89a and more", b"MCAC\x01" + bytes(8), b"MCAC\x01" + bytes(8) + b"\xff" * 6]
)
def test_bytes_that_are_no_file_are_refused(data):
    with pytest.raises(CodeError, match="bytes"):
        Coded.unpack(data)


def test_frequencies_that_cannot_be_coded_are_refused():
    with pytest.raises(CodeError, match="expected"):
        Encoder().encode(3, 3, 8)


def test_other_compressors_are_asked_for_what_they_write_to_a_file():
    found = sizes("abc " * 200)
    assert found["none"] == 800
    assert all(0 < found[name] < 100 for name in ("gzip", "bz2", "xz", "zstd"))


# --- With a model ---------------------------------------------------------------------------------------------------------

TEXT = "We study number 7 — naïve models of language. 你好\n\n  Two spaces, a tab\tand the end "


@pytest.fixture(scope="module")
def engine(tiny_model, tiny_gpt):
    from demos.engine import Engine

    engine = Engine(slots=2)
    engine.load("tiny", tiny_model)
    engine.load("gpt", tiny_gpt)
    yield engine
    engine.stop()


@pytest.mark.parametrize("model", ["tiny", "gpt"])
def test_bits_are_the_models_cross_entropy(engine, model):
    import torch

    from demos.coding.reading import Reading

    loaded = next(loaded for loaded in engine.models() if loaded.name == model)
    read = engine.run(Reading(model=model, text=TEXT, top=3)).result(60)
    ids = torch.tensor([loaded.tokenizer(TEXT)["input_ids"]])
    with torch.inference_mode():
        logits = loaded.model(ids).logits[0, :-1].float()
    expected = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none") / math.log(2)
    assert [token.bits for token in read] == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-4)
    assert [token.rank for token in read] == [
        int((row > row[token]).sum()) for row, token in zip(logits, ids[0, 1:].tolist(), strict=True)
    ]
    softmax = logits.softmax(-1)
    for row, token in zip(softmax, read, strict=True):
        assert [p for _, p in token.top] == pytest.approx(row.topk(3).values.tolist(), rel=1e-4)
    assert (read[0].start, read[-1].end) == (0, len(TEXT))


@pytest.mark.parametrize("model", ["tiny", "gpt"])
def test_a_text_is_coded_with_a_model_and_decoded_from_the_bytes_alone(engine, model):
    from demos.coding.reading import TOTAL, Coding, Reading

    seen = []
    done = engine.run(Coding(model=model, text=TEXT, on_decoded=lambda text, bits: seen.append(text))).result(120)
    assert done.text == TEXT == "".join(seen)
    read = engine.run(Reading(model=model, text=TEXT)).result(60)
    assert done.tokens == len(read)
    # Frequencies are whole numbers, none below 1, and steps round otherwise than one reading does.
    shares = [2.0**-token.bits * (TOTAL - 320) for token in read]
    most = sum(math.log2(TOTAL / max(1, share * 0.999)) for share in shares)
    least = sum(math.log2(TOTAL / (share * 1.001 + 1)) for share in shares)
    assert least <= done.bits <= most
    # The end costs two bits and the rest of a byte.
    assert done.bits <= 8 * len(done.coded.code) <= done.bits + 10


def test_bytes_of_another_model_are_refused(engine):
    from demos.coding.reading import Coding, mark_of
    from demos.engine import RequestError

    tiny, gpt = (next(loaded for loaded in engine.models() if loaded.name == name) for name in ("tiny", "gpt"))
    data = Coded(mark_of(gpt), 1, b"\x00").pack()
    with pytest.raises(RequestError, match="another model"):
        list(Coding(model="tiny", text="").decode(tiny, data, []))
