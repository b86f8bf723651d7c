"""manage.py train_classifier: from records of papers to a classifier that demos can use."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Train a classifier of papers on JSONL files (title, abstract, venue) and write a checkpoint folder."
    requires_system_checks: list[str] = []  # noqa: RUF012  needs neither database nor broker

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", nargs="+", type=Path, required=True, help=".jsonl or .jsonl.gz files")
        parser.add_argument("--output", type=Path, required=True, help="folder of the checkpoint")
        parser.add_argument("--field", default="venue", help="what in a record tells the class")
        parser.add_argument(
            "--label", action="append", default=[], help="NAME=VALUE,VALUE...: a class; without any, fields of papers"
        )
        parser.add_argument("--tokenizer-from", type=Path, help="folder of a checkpoint whose tokenizer to use")
        parser.add_argument("--vocab-size", type=int, default=4096, help="pieces of a new BPE tokenizer")
        parser.add_argument("--hidden-size", type=int)
        parser.add_argument("--layers", type=int)
        parser.add_argument("--longest", type=int, help="tokens of a text that are read")
        parser.add_argument("--learning-rate", type=float)
        parser.add_argument("--minutes", type=float, help="end after so much computing; the learning rate follows")
        parser.add_argument("--clock-minutes", type=float, help="end after so much time by the clock")
        parser.add_argument("--words-from", type=Path, help="folder of a model whose word vectors to start from")
        parser.add_argument("--rounds", type=float, help="end after so many rounds over the papers")
        parser.add_argument("--seed", type=int)
        parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all")

    def handle(self, **options: Any) -> None:
        import torch  # heavy, and only this command needs it
        from tqdm import tqdm

        from demos.zoo import classification, corpus
        from demos.zoo.training import take_words

        if options["threads"]:
            torch.set_num_threads(options["threads"])
        folder: Path = options["output"]
        names = {field.name for field in fields(classification.Plan)}
        given = {name: value for name, value in options.items() if name in names and value is not None}
        plan = replace(classification.Plan(), **given)
        classes = self._classes(options["label"]) or classification.FIELDS
        try:
            papers, held_out = classification.read_papers(options["data"], options["field"], classes)
            tokenizer = corpus.open_tokenizer(options["tokenizer_from"]) or corpus.train_tokenizer(
                papers.texts, "bpe", options["vocab_size"]
            )
        except corpus.CorpusError as error:
            raise CommandError(str(error)) from error
        corpus.add_mask(tokenizer)
        model = classification.build(plan, tokenizer, list(classes))
        if options["words_from"]:
            take_words(model, tokenizer, options["words_from"])
        weights = sum(p.numel() for p in model.parameters())
        self.stdout.write(f"{len(papers.texts)} papers, {len(held_out.texts)} held out; {weights / 1e6:.2f} M weights")
        with tqdm(total=100, desc="training", unit="%", bar_format="{l_bar}{bar}| {postfix}") as bar:

            def report(share: float, loss: float) -> None:
                bar.n = round(100 * share, 1)
                bar.set_postfix_str(f"loss {loss:.3f}")

            run = classification.train(model, tokenizer, papers, plan, report)
        model.half().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        found = classification.predict(model.float(), tokenizer, held_out.texts, plan.longest)
        self.stdout.write("comparing with TF-IDF ...")
        others = classification.baselines(papers, held_out)
        data = [path.name for path in options["data"]]
        card = classification.card(model, plan, run, data, list(classes), (papers, held_out), found, others)
        (folder / "README.md").write_text(card, encoding="utf-8")
        figure = classification.accuracy(found, held_out.labels)
        self.stdout.write(f"held-out accuracy {figure:.3f}, {others}; checkpoint in {folder}")

    def _classes(self, settings: list[str]) -> dict[str, list[str]]:
        classes = {}
        for setting in settings:
            name, sign, values = setting.partition("=")
            if not (name and sign and values):
                raise CommandError(f"--label {setting}: expected NAME=VALUE,VALUE...")
            classes[name] = values.split(",")
        return classes
