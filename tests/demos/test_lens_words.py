"""Hidden words, bets, labels, names and answers: equal to what direct calls of the same models say."""

import itertools
import math

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
)

from demos.engine import RequestError
from demos.lens.betting import Vocabulary, WordChances, pooled, price
from demos.lens.masks import GuessWords, Hidden, likeliest
from demos.lens.tasks import Entities, FindAnswers, LabelScore, ZeroShot, fill, joined, shares
from demos.lens.words import Word, replaced, tokens_within, words_of
from tests.demos.lens_models import direct

TEXT = "We study number 7 — naïve models of language and of speech."


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


def run(engine, job):
    return engine.run(job).result(60)


def span(text, word):
    return text.index(word), text.index(word) + len(word)


def test_words_are_found_and_exchanged():
    words = words_of("A state-of-the-art model's 3.5 (naïve) don'ts.")
    assert [word.text for word in words] == ["A", "state-of-the-art", "model's", "3.5", "naïve", "don'ts"]
    assert (
        replaced("A state-of-the-art model", {0: "The", 2: ""}, words_of("A state-of-the-art model"))
        == "The state-of-the-art "
    )


@torch.inference_mode()
@pytest.mark.parametrize("name", ["bert-mask", "bigs"])
def test_hidden_words_have_the_probabilities_of_the_softmax(lens_engine, lens_folders, name):
    model, tokenizer = direct(AutoModelForMaskedLM, lens_folders[name])
    read = tokenizer(TEXT, return_offsets_mapping=True)
    ids, spans = read["input_ids"], read["offset_mapping"]
    chosen = [span(TEXT, "models"), span(TEXT, "naïve")]
    places = [tokens_within(spans, *one) for one in chosen]
    hidden = list(ids)
    for place in itertools.chain(*places):
        hidden[place] = tokenizer.mask_token_id
    chances = model(torch.tensor([hidden])).logits[0].softmax(-1)
    truth = [math.prod(float(chances[p, ids[p]]) for p in found) for found in places]

    job = GuessWords(name, TEXT, (Hidden(*chosen[0], guess="models"), Hidden(*chosen[1])), most=4)
    first, second = run(lens_engine, job)
    assert [first.truth, second.truth] == pytest.approx(truth, rel=1e-3)
    assert first.theirs == pytest.approx(first.truth)
    assert second.theirs is None
    assert (first.tokens, second.tokens) == (len(places[0]), len(places[1]))
    assert sorted((p for _, p in second.words), reverse=True) == [p for _, p in second.words]
    single = next((g for g, f in zip((first, second), places, strict=True) if len(f) == 1), None)
    if single is not None:
        place = next(f for f in places if len(f) == 1)[0]
        assert single.rank == int((chances[place] > chances[place, ids[place]]).sum()) + 1
        assert [p for _, p in single.words] == pytest.approx(chances[place].topk(4).values.tolist(), rel=1e-3)


def test_the_likeliest_sequences_are_found():
    chances = torch.randn(3, 7, generator=torch.Generator().manual_seed(1)).log_softmax(-1)
    every = {
        combination: float(sum(chances[i, t] for i, t in enumerate(combination)))
        for combination in itertools.product(range(7), repeat=3)
    }
    expected = sorted(every, key=lambda c: -every[c])[:5]
    found = likeliest(chances, 5)
    assert [tokens for tokens, _ in found] == expected
    assert [p for _, p in found] == pytest.approx([every[c] for c in expected], abs=1e-5)


def test_who_hides_nothing_or_asks_the_wrong_model_is_told(lens_engine):
    with pytest.raises(RequestError, match="0 words are hidden"):
        run(lens_engine, GuessWords("bert-mask", TEXT, ()))
    with pytest.raises(RequestError, match="expected one that fills masks"):
        run(lens_engine, GuessWords("gpt2", TEXT, (Hidden(0, 2),)))


@torch.inference_mode()
@pytest.mark.parametrize("name", ["gpt2", "sha-rnn"])
def test_a_words_price_follows_from_the_models_own_probabilities(lens_engine, lens_folders, name):
    """Summed over a whole text, what words cost and what the signs between them cost is the text's cross-entropy."""
    words = words_of(TEXT)[2:]
    chances = run(lens_engine, WordChances(name, TEXT, tuple(words)))
    model, tokenizer = direct(AutoModelForCausalLM, lens_folders[name])
    read = tokenizer(TEXT, return_offsets_mapping=True)
    ids, spans = read["input_ids"], read["offset_mapping"]
    logs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    texts = [tokenizer.decode([i]) for i in range(logs.shape[-1])]

    def lead(text):
        return text[: len(text) - len(text.lstrip("".join(c for c in text if not (c.isalnum() or c == "_"))))]

    for word, chance in zip(words, chances, strict=True):
        places = tokens_within(spans, word.start, word.end)
        own = lead(texts[ids[places[0]]])
        special = set(tokenizer.all_special_ids)
        starts = [i for i, t in enumerate(texts) if i not in special and t != lead(t) and lead(t) == own]
        ends = [i for i, t in enumerate(texts) if i in special or lead(t)]
        log = sum(float(logs[p - 1, ids[p]]) for p in places) - float(logs[places[0] - 1, starts].logsumexp(0))
        if places[-1] + 1 < len(ids):
            log += float(logs[places[-1], ends].logsumexp(0))
        assert chance.bits == pytest.approx(-log / math.log(2), rel=1e-4)
        assert 0 < chance.probability < 1
        assert sum(p for _, p in chance.beginnings) <= 1 + 1e-9


@torch.inference_mode()
def test_the_first_tokens_of_words_share_all_of_the_probability(lens_engine, lens_folders):
    loaded = next(model for model in lens_engine.models() if model.name == "gpt2")
    vocabulary = Vocabulary.of(loaded, len(loaded.tokenizer))
    token = loaded.tokenizer(" models")["input_ids"][-1]
    alike = vocabulary.alike(token)
    assert token in alike.tolist()
    assert not set(alike.tolist()) & set(loaded.tokenizer.all_special_ids)
    lead = vocabulary.leads[token]
    assert all(vocabulary.leads[int(i)] == lead for i in alike)


def test_stakes_are_honest():
    """q sums to one whatever is staked; staking nothing costs what the model pays; together is never the worst."""
    model = {"a": 0.5, "b": 0.3, "c": 0.2}
    for guess, stake in (("a", 0.9), ("c", 0.3), ("b", 0.0)):
        q = {word: 2 ** -price(model=p, right=word == guess, stake=stake) for word, p in model.items()}
        assert sum(q.values()) == pytest.approx(1)
    assert price(model=0.25, right=False, stake=0) == 2
    assert price(model=0.25, right=True, stake=0.5) < 2 < price(model=0.25, right=False, stake=0.5)
    assert pooled([3.0]) == pytest.approx(3)
    assert 1 < pooled([1.0, 4.0]) < 2


@torch.inference_mode()
def test_labels_are_weighed_by_their_summed_log_probability(lens_engine, lens_folders):
    template, labels = "{text} This is about {label}.", ("language", "speech", "naïve models")
    scores = run(lens_engine, ZeroShot("gpt2", TEXT, template, labels, neutral="N/A"))
    model, tokenizer = direct(AutoModelForCausalLM, lens_folders["gpt2"])
    for score, label in zip(scores, labels, strict=True):
        for text, found in ((TEXT, score.logprob), ("N/A", score.base)):
            whole, start = fill(template, text, label)
            read = tokenizer(whole[: start + len(label)], return_offsets_mapping=True)
            places = tokens_within(read["offset_mapping"], start, start + len(label))
            logs = model(torch.tensor([read["input_ids"]])).logits[0].log_softmax(-1)
            assert found == pytest.approx(sum(float(logs[p - 1, read["input_ids"][p]]) for p in places), rel=1e-3)
            assert score.tokens == len(places)

    (mask, *_) = run(lens_engine, ZeroShot("bert-mask", TEXT, template, labels))
    model, tokenizer = direct(AutoModelForMaskedLM, lens_folders["bert-mask"])
    whole, start = fill(template, TEXT, labels[0])
    read = tokenizer(whole, return_offsets_mapping=True)
    places = tokens_within(read["offset_mapping"], start, start + len(labels[0]))
    ids = [tokenizer.mask_token_id if i in places else t for i, t in enumerate(read["input_ids"])]
    logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    assert mask.logprob == pytest.approx(sum(float(logs[p, read["input_ids"][p]]) for p in places), rel=1e-3)
    assert mask.base is None


def test_shares_of_labels():
    assert shares([LabelScore("a", math.log(0.2), 1), LabelScore("b", math.log(0.1), 1)]) == pytest.approx(
        [2 / 3, 1 / 3]
    )
    weighed = [LabelScore("a", math.log(0.2), 1, math.log(0.4)), LabelScore("b", math.log(0.1), 1, math.log(0.1))]
    assert shares(weighed) == pytest.approx([1 / 3, 2 / 3])
    for template in ("{text}", "{label}", "{text} {label} {label}"):
        with pytest.raises(RequestError, match="each once"):
            fill(template, "a", "b")


def test_pieces_of_names_are_joined():
    text = "Ada Lovelace works on parsing in Lon don"
    spans = [(0, 0), (0, 3), (4, 8), (8, 12), (13, 18), (22, 29), (33, 36), (37, 40)]
    labels = ["O", "B-PER", "I-PER", "O", "O", "B-TASK", "B-LOC", "B-LOC"]
    found = joined(labels, [1, 0.9, 0.7, 0.6, 1, 0.8, 0.5, 0.5], spans, text)
    assert [(text[e.start : e.end], e.label) for e in found] == [
        ("Ada Lovelace", "PER"), ("parsing", "TASK"), ("Lon", "LOC"), ("don", "LOC"),
    ]  # fmt: skip
    assert found[0].score == pytest.approx(0.8)


@torch.inference_mode()
def test_names_and_answers_equal_direct_calls(lens_engine, lens_folders):
    model, tokenizer = direct(AutoModelForTokenClassification, lens_folders["bert-tags"])
    read = tokenizer(TEXT, return_offsets_mapping=True)
    best, labels = model(torch.tensor([read["input_ids"]])).logits[0].softmax(-1).max(-1)
    names = [model.config.id2label[i] for i in labels.tolist()]
    assert run(lens_engine, Entities("bert-tags", TEXT)) == [
        type(e)(e.start, e.end, e.label, pytest.approx(e.score, rel=1e-3))
        for e in joined(names, best.tolist(), read["offset_mapping"], TEXT)
    ]

    model, tokenizer = direct(AutoModelForQuestionAnswering, lens_folders["bert-answers"])
    question = "What do we study?"
    read = tokenizer(question, TEXT, return_offsets_mapping=True)
    inside = [i for i, part in enumerate(read.sequence_ids(0)) if part == 1]
    output = model(torch.tensor([read["input_ids"]]))
    begin, end = output.start_logits[0][inside].softmax(0), output.end_logits[0][inside].softmax(0)
    scores = {(i, j): float(begin[i] * end[j]) for i in range(len(inside)) for j in range(i, len(inside))}
    first, last = max(scores, key=lambda pair: scores[pair])
    answers = run(lens_engine, FindAnswers("bert-answers", question, TEXT))
    assert answers[0].score == pytest.approx(scores[first, last], rel=1e-3)
    assert answers[0].end == read["offset_mapping"][inside[last]][1]
    assert all(a.end <= b.start or b.end <= a.start for a, b in itertools.combinations(answers, 2))


def test_a_guess_needs_something_to_go_by(lens_engine):
    with pytest.raises(RequestError, match="0 words are to be guessed"):
        run(lens_engine, WordChances("gpt2", TEXT, ()))
    with pytest.raises(RequestError, match="takes one that only reads on"):
        run(lens_engine, WordChances("bert-mask", TEXT, (Word("study", 3, 8),)))
