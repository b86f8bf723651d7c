"""manage.py convert_checkpoint: a released checkpoint of a paper's authors as a model folder for demos."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Take over the authors' released weights of SHA-RNN, AWD-LSTM (state dicts) or BiGS (a folder)."
    requires_system_checks: list[str] = []  # noqa: RUF012  needs neither database nor broker

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="the state dict (.pt), or the folder for bigs")
        parser.add_argument("--model", choices=["sha-rnn", "bigs", "awd-lstm"], required=True)
        parser.add_argument("--output", type=Path, required=True, help="folder of the model")
        parser.add_argument("--tokenizer-from", type=Path, help="folder that holds the tokenizer")
        parser.add_argument("--symbols", type=Path, help="JSON list of the enwik8 symbols in the order of their ids")
        parser.add_argument("--memory-size", type=int, help="tokens SHA-RNN's head looks back (5000)")
        parser.add_argument("--half", action="store_true", help="write half precision")

    def handle(self, **options: Any) -> None:
        from transformers import AutoTokenizer  # heavy, and only this command needs it

        from demos.zoo import converting
        from demos.zoo.training import save_model

        source, folder = options["source"], options["output"]
        further = {}
        if options["memory_size"] is not None:
            if options["model"] != "sha-rnn":
                raise CommandError("--memory-size is of sha-rnn alone")
            further["memory_size"] = options["memory_size"]
        try:
            model = converting.CONVERTERS[options["model"]](source, **further)
            tokenizer = converting.byte_tokenizer(options["symbols"]) if options["symbols"] else None
        except converting.ConversionError as error:
            raise CommandError(str(error)) from error
        place = options["tokenizer_from"] or (source if source.is_dir() else None)
        if tokenizer is None and place is not None:
            try:
                tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
            except (OSError, ValueError) as error:
                raise CommandError(f"{place} holds no tokenizer: {error}"[:500]) from error
        save_model(model, folder, half=options["half"])
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
        else:
            self.stderr.write("without a tokenizer (--tokenizer-from, --symbols) demos cannot use the model")
        weights = sum(p.numel() for p in model.parameters())
        self.stdout.write(f"{type(model).__name__}, {weights / 1e6:.1f} M weights, in {folder}")
