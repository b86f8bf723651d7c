"""Small models of every make with random weights, in one engine, for tests of what looks into models."""

import pytest


@pytest.fixture(scope="session")
def lens_folders(tiny_model, tmp_path_factory):
    """SHA-RNN, GPT-2, BERT and BiGS with each head, and an encoder-decoder; all with one tokenizer."""
    import torch
    import transformers as t

    from demos.zoo.bigs import BigsConfig, BigsForMaskedLM

    place = tmp_path_factory.mktemp("lens")
    tokenizer = t.AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_special_tokens({"mask_token": "[MASK]", "pad_token": "[PAD]"})
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    common = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    bert = t.BertConfig(
        **common,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.4,
        id2label={0: "language", 1: "vision", 2: "speech"},
    )
    tags = t.BertConfig(**{**bert.to_dict(), "id2label": {0: "O", 1: "B-TASK", 2: "I-TASK", 3: "B-MODEL"}})
    spans = t.BertConfig(**{**bert.to_dict(), "id2label": {0: "start", 1: "end"}})
    gpt2 = t.GPT2Config(
        **common,
        **ends,
        n_embd=32,
        n_layer=3,
        n_head=4,
        n_positions=256,
        initializer_range=0.4,
        tie_word_embeddings=True,
    )
    bart = t.BartConfig(
        **common,
        **ends,
        d_model=32,
        encoder_layers=2,
        decoder_layers=3,
        encoder_attention_heads=2,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=128,
        init_std=0.4,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
    )
    bigs = BigsConfig(
        **common,
        hidden_size=32,
        num_hidden_layers=2,
        intermediate_size=64,
        state_size=8,
        max_position_embeddings=128,
        initializer_range=0.4,
    )
    makes = {
        "gpt2": lambda: t.GPT2LMHeadModel(gpt2),
        "bert": lambda: t.BertModel(bert),
        "bert-mask": lambda: t.BertForMaskedLM(bert),
        "bert-classes": lambda: t.BertForSequenceClassification(bert),
        "bert-tags": lambda: t.BertForTokenClassification(tags),
        "bert-answers": lambda: t.BertForQuestionAnswering(spans),
        "bart": lambda: t.BartForConditionalGeneration(bart),
        "bigs": lambda: BigsForMaskedLM(bigs),
    }
    torch.manual_seed(4)
    for name, make in makes.items():
        tokenizer.save_pretrained(place / name)
        make().save_pretrained(place / name)
    return {"sha-rnn": tiny_model, **{name: place / name for name in makes}}


@pytest.fixture(scope="session")
def lens_engine(lens_folders):
    from demos.engine import Engine

    engine = Engine(slots=2)
    for name, folder in lens_folders.items():
        engine.load(name, folder)
    yield engine
    engine.stop()


def direct(auto, folder, **options):
    """The same model and its tokenizer, loaded apart from the engine."""
    from transformers import AutoTokenizer

    return auto.from_pretrained(folder, **options).eval(), AutoTokenizer.from_pretrained(folder)
