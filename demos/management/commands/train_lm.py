"""manage.py train_lm: from text to a checkpoint that a demo can use."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Train a language model on text or JSONL files (title, abstract) and write a checkpoint folder."
    requires_system_checks: list[str] = []  # noqa: RUF012  needs neither database nor broker

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", choices=["sha-rnn"], default="sha-rnn")
        parser.add_argument("--data", nargs="+", type=Path, required=True, help=".jsonl, .jsonl.gz or text files")
        parser.add_argument("--output", type=Path, required=True, help="folder of the checkpoint")
        parser.add_argument("--tokenizer", choices=["bpe", "bytes"], default="bpe")
        parser.add_argument("--vocab-size", type=int, default=4096, help="pieces of the BPE tokenizer")
        parser.add_argument("--hidden-size", type=int)
        parser.add_argument("--layers", type=int)
        parser.add_argument("--steps", type=int)
        parser.add_argument("--minutes", type=float, default=math.inf, help="end by then; the learning rate follows")
        parser.add_argument("--seed", type=int)
        parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all")
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
        parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the folder")

    def handle(self, **options: Any) -> None:
        import torch  # heavy, and only this command needs it
        from tqdm import tqdm
        from transformers import AutoTokenizer

        from demos.engine.loading import pick_device
        from demos.zoo import corpus, training

        if options["threads"]:
            torch.set_num_threads(options["threads"])
        folder: Path = options["output"]
        names = {"hidden_size": "hidden_size", "layers": "num_hidden_layers", "steps": "steps", "seed": "seed"}
        given = {field: options[name] for name, field in names.items() if options[name] is not None}
        recipe = training.Recipe(**given, minutes=options["minutes"], device=pick_device(options["device"]))
        try:
            documents = [text for path in options["data"] for text in corpus.read_documents(path)]
        except corpus.CorpusError as error:
            raise CommandError(str(error)) from error
        train, held_out = corpus.split_documents(documents)
        if not train or not held_out:
            raise CommandError(f"{len(documents)} documents are too few: some must be held out and some trained on")
        held_out_bytes = sum(len(text.encode()) for text in held_out)
        self.stdout.write(f"{len(train)} documents to train on, {len(held_out)} held out ({held_out_bytes:,} bytes)")

        if options["resume"] and (folder / "tokenizer.json").exists():
            tokenizer = AutoTokenizer.from_pretrained(folder)
        else:
            tokenizer = corpus.train_tokenizer(train, options["tokenizer"], options["vocab_size"])
            tokenizer.save_pretrained(folder)
        with tqdm(total=len(train), desc="tokenizing", unit=" documents") as bar:
            tokens = corpus.encode(train, tokenizer, lambda done: bar.update(done - bar.n) and None)
        trainer = training.Trainer(
            folder, recipe, tokenizer, tokens, corpus.encode(held_out, tokenizer), held_out_bytes
        )
        if options["resume"] and trainer.resume():
            self.stdout.write(f"going on from step {trainer.progress.step}")
        weights = sum(p.numel() for p in trainer.model.parameters())
        self.stdout.write(f"{weights / 1e6:.1f} M weights, {sum(map(len, tokens)):,} tokens, on {recipe.device}")

        with tqdm(total=100, desc="training", unit="%", bar_format="{l_bar}{bar}| {postfix}") as bar:
            held = ""

            def report(record: dict[str, float]) -> None:
                nonlocal held
                training.append_log(folder, record)
                if "held_out_bits_per_byte" in record:
                    held = f", held out {record['held_out_bits_per_byte']:.3f} bits/byte"
                    return
                bar.n = round(100 * trainer.share_done(), 1)
                bar.set_postfix_str(
                    f"step {record['step']:.0f}, loss {record['loss']:.3f}, {record['tokens_per_second']:.0f} tokens/s{held}"
                )

            try:
                bits = trainer.train(report)
            except (KeyboardInterrupt, ValueError) as error:
                if isinstance(error, ValueError):
                    raise CommandError(str(error)) from error
                trainer.checkpoint()
                raise CommandError(f"stopped; `--resume` goes on from step {trainer.progress.step}") from None
        trainer.save(training.model_card(trainer, bits, [path.name for path in options["data"]], held_out))
        self.stdout.write(f"held-out text: {bits:.3f} bits per byte; checkpoint in {folder}")
