"""manage.py train_lm: from text to a checkpoint that a demo can use."""

from __future__ import annotations

import json
import signal
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

MODELS = ["sha-rnn", "gpt", "bigs", "awd-lstm"]
# Options that go straight into the recipe, and the recipe's name for them.
RECIPE = {
    "hidden_size": "hidden_size",
    "layers": "num_hidden_layers",
    "dropout": "dropout",
    "batch_size": "batch_size",
    "segment": "segment",
    "optimizer": "optimizer",
    "learning_rate": "learning_rate",
    "steps": "steps",
    "tokens": "tokens",
    "minutes": "minutes",
    "clock_minutes": "clock_minutes",
    "seed": "seed",
}


class Command(BaseCommand):
    help = "Train a language model on text or JSONL files (title, abstract) and write a checkpoint folder."
    requires_system_checks: list[str] = []  # noqa: RUF012  needs neither database nor broker

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", choices=MODELS, default="sha-rnn")
        parser.add_argument("--data", nargs="+", type=Path, required=True, help=".jsonl, .jsonl.gz or text files")
        parser.add_argument("--raw", action="store_true", help="one text to the byte, its last twentieth held out")
        parser.add_argument("--output", type=Path, required=True, help="folder of the checkpoint")
        parser.add_argument("--tokenizer", choices=["bpe", "bytes"], default="bpe")
        parser.add_argument("--vocab-size", type=int, default=4096, help="pieces of the BPE tokenizer")
        parser.add_argument("--tokenizer-from", type=Path, help="folder of a checkpoint whose tokenizer to use")
        parser.add_argument("--size", choices=["small", "paper"], default="small", help="the shipped or the paper's")
        parser.add_argument("--hidden-size", type=int)
        parser.add_argument("--layers", type=int)
        parser.add_argument("--dropout", type=float)
        parser.add_argument("--config", action="append", default=[], help="NAME=VALUE of the model's configuration")
        parser.add_argument("--batch-size", type=int)
        parser.add_argument("--segment", type=int, help="tokens per row and step, or of the longest text")
        parser.add_argument("--optimizer", choices=["adamw", "lamb"])
        parser.add_argument("--learning-rate", type=float)
        parser.add_argument("--precision", choices=["auto", "fp32", "bf16", "fp16"], default="auto")
        parser.add_argument("--steps", type=int)
        parser.add_argument("--tokens", type=float, help="end after this much text; the learning rate follows")
        parser.add_argument("--minutes", type=float, help="end after so much computing; the learning rate follows")
        parser.add_argument("--clock-minutes", type=float, help="end after so much time by the clock")
        parser.add_argument("--words-from", type=Path, help="folder of a model whose word vectors to start from")
        parser.add_argument("--seed", type=int)
        parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all")
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
        parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the folder")

    def handle(self, **options: Any) -> None:
        import torch  # heavy, and only this command needs it
        from tqdm import tqdm

        from demos.zoo import cards, corpus, training
        from demos.zoo.evaluation import HeldOut, compressor_bits
        from demos.zoo.families import FAMILIES

        if options["threads"]:
            torch.set_num_threads(options["threads"])
        folder: Path = options["output"]
        family = FAMILIES[options["model"]]
        recipe = self._recipe(getattr(family, options["size"]), options)
        try:
            train, held_out = corpus.read_corpus(options["data"], raw=options["raw"])
            tokenizer = self._tokenizer(train, options)
        except corpus.CorpusError as error:
            raise CommandError(str(error)) from error
        if family.masked:
            corpus.add_mask(tokenizer)
        tokenizer.save_pretrained(folder)
        held_out_bytes = sum(len(text.encode()) for text in held_out)
        self.stdout.write(f"{len(train)} documents to train on, {len(held_out)} held out ({held_out_bytes:,} bytes)")
        with tqdm(total=len(train), desc="tokenizing", unit=" documents") as bar:
            tokens = corpus.encode(train, tokenizer, lambda done: bar.update(done - bar.n) and None)
        trainer = training.Trainer(
            folder, family, recipe, tokenizer, tokens, HeldOut(corpus.encode(held_out, tokenizer), held_out_bytes)
        )
        if options["resume"] and trainer.resume():
            self.stdout.write(f"going on from step {trainer.progress.step}")
        else:
            (folder / training.LOG).unlink(missing_ok=True)
            if options["words_from"]:
                shared = training.take_words(trainer.model, tokenizer, options["words_from"])
                self.stdout.write(f"word vectors of {shared} pieces are those of {options['words_from'].name}")
        weights = sum(p.numel() for p in trainer.model.parameters())
        self.stdout.write(f"{weights / 1e6:.2f} M weights, {sum(map(len, tokens)):,} tokens, on {recipe.device}")
        self._train(trainer)
        trainer.save()
        self.stdout.write("measuring on the held-out text ...")
        figures = trainer.figures()
        notes = []
        if options["words_from"]:
            notes.append(f"It started from the word vectors of {options['words_from'].name}.")
        run = cards.Run(
            folder,
            family,
            recipe,
            trainer.progress,
            trainer.model.eval(),
            tokenizer,
            [path.name for path in options["data"]],
            tuple(notes),
        )
        cards.write_card(run, figures, len(held_out), compressor_bits(held_out, train), training.read_log(folder))
        bits = figures["held_out_bits_per_byte"]
        self.stdout.write(f"held-out text: {bits:.3f} bits per byte; checkpoint in {folder}")

    def _recipe(self, recipe: Any, options: dict[str, Any]) -> Any:
        from demos.engine.loading import pick_device

        given = {field: options[name] for name, field in RECIPE.items() if options[name] is not None}
        config = dict(recipe.config)
        for setting in options["config"]:
            name, _, value = setting.partition("=")
            try:
                config[name] = json.loads(value)
            except json.JSONDecodeError:
                raise CommandError(f"--config {setting}: expected NAME=VALUE, the value as JSON") from None
        device = pick_device(options["device"])
        precision = options["precision"]
        if precision == "auto":
            precision = "bf16" if device.startswith("cuda") else "fp32"
        return replace(recipe, **given, config=config, device=device, precision=precision)

    def _tokenizer(self, train: list[str], options: dict[str, Any]) -> Any:
        from demos.zoo import corpus

        folder: Path | None = options["tokenizer_from"]
        if options["resume"] and (options["output"] / "tokenizer.json").exists():
            folder = options["output"]
        return corpus.open_tokenizer(folder) or corpus.train_tokenizer(
            train, options["tokenizer"], options["vocab_size"]
        )

    def _train(self, trainer: Any) -> None:
        from tqdm import tqdm

        from demos.zoo import training
        from demos.zoo.batches import CorpusTooSmall

        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, interrupt)
        with tqdm(total=100, desc="training", unit="%", bar_format="{l_bar}{bar}| {postfix}") as bar:
            held = ""

            def report(record: dict[str, float]) -> None:
                nonlocal held
                training.append_log(trainer.folder, record)
                if "held_out_bits_per_byte" in record:
                    held = f", held out {record['held_out_bits_per_byte']:.3f} bits/byte"
                    return
                bar.n = round(100 * min(1.0, trainer.progress.share(trainer.recipe)), 1)
                bar.set_postfix_str(
                    f"step {record['step']:.0f}, loss {record['loss']:.3f}, {record['tokens_per_second']:.0f} tokens/s{held}"
                )

            try:
                trainer.train(report)
            except CorpusTooSmall as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                trainer.checkpoint()
                raise CommandError(f"stopped; `--resume` goes on from step {trainer.progress.step}") from None
            finally:
                signal.signal(signal.SIGTERM, before)
