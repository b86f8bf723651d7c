"""Which words would raise a classifier's loss most: the gradient over the embeddings (HotFlip, arXiv:1712.06751)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import LONGEST_MAP, OneShot
from demos.engine.request import RequestError
from demos.engine.slot_attention import implementation
from demos.engine.whole_texts import expect

from .words import encode, tokens_within

MOST = 50


@dataclass(frozen=True)
class Steepest(OneShot):
    """For text[start:end] the words of the model's vocabulary by how much, to first order, they raise the loss of `label`:
    (word, rise), the steepest first. Only whole words of one token are proposed."""

    text: str
    start: int
    end: int
    label: str
    most: int = 20

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[tuple[str, float]]]:
        expect(loaded, "classifies texts")
        ids, spans = encode(loaded.tokenizer, self.text)
        limit = min(LONGEST_MAP, loaded.window or LONGEST_MAP)
        if len(ids) > limit:
            raise RequestError(f"the text has {len(ids)} tokens; expected at most {limit}")
        labels = {str(name): number for number, name in loaded.model.config.id2label.items()}
        if self.label not in labels:
            raise RequestError(f"model {loaded.name!r} has no class {self.label!r}")
        places = tokens_within(spans, self.start, self.end)
        if not places:
            return []
        gradient, embeddings = slope(loaded, ids, labels[self.label])
        yield
        # A word of several tokens is exchanged as a whole: what all of its tokens ask for together.
        wanted = gradient[places].sum(0)
        here = (gradient[places] * embeddings[torch.tensor([ids[p] for p in places])]).sum()
        rise = embeddings @ wanted - here
        found: list[tuple[str, float]] = []
        for token in rise.argsort(descending=True)[: 40 * MOST].tolist():
            word = _whole_word(loaded, token)
            if word and word not in {known for known, _ in found}:
                found.append((word, float(rise[token])))
            if len(found) >= min(self.most, MOST):
                break
        return found


def slope(loaded: LoadedModel, ids: list[int], label: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss's gradient with respect to each token's embedding (T, E), and the table of embeddings (V, E)."""
    table = loaded.model.get_input_embeddings().weight.detach()
    # One-shot work runs in inference mode, of which nothing can be differentiated.
    with torch.inference_mode(False), torch.enable_grad(), implementation(loaded.model, loaded.attention):
        inputs = table[torch.tensor([ids], device=table.device)].clone().requires_grad_()
        mask = torch.ones(1, len(ids), dtype=torch.long, device=table.device)
        logits = loaded.model(inputs_embeds=inputs, attention_mask=mask).logits.float()
        loss = F.cross_entropy(logits, torch.tensor([label], device=table.device))
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient[0].float().cpu(), table.float().cpu()


def _whole_word(loaded: LoadedModel, token: int) -> str:
    """The token as a word that can stand alone, "" for pieces, signs and special tokens."""
    if token in loaded.tokenizer.all_special_ids or token >= len(loaded.tokenizer):
        return ""
    sign = loaded.tokenizer.convert_ids_to_tokens(token)
    text: str = loaded.tokenizer.decode([token]).strip()
    if len(text) < 3 or not text.isalpha():
        return ""
    # Byte-level vocabularies mark words by the blank before them, word-piece ones mark the pieces.
    marked = any(
        str(t).startswith("Ġ") for t in loaded.tokenizer.convert_ids_to_tokens(range(min(600, len(loaded.tokenizer))))
    )
    if marked:
        return text if str(sign).startswith("Ġ") else ""
    return "" if str(sign).startswith("##") else text
