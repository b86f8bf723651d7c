"""The text a paper is compared by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from papers.queries import visible_papers

_LONGEST = 20_000  # characters; what follows says nothing new about the subject


def paper_text(title: str, abstract: str, tldr: str = "") -> str:
    """Title and abstract, or the summary where there is no abstract, on one line."""
    title = " ".join(title.split())
    body = " ".join((abstract or tldr).split())
    return f"{title}{'' if title.endswith(('.', '?', '!')) else '.'} {body}".strip()[:_LONGEST]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def current_texts(ids: Iterable[int] | None = None) -> dict[int, str]:
    """Texts of the visible papers (or of those of them with these ids) by primary key, in its order."""
    papers = visible_papers() if ids is None else visible_papers().filter(pk__in=list(ids))
    rows = papers.order_by("pk").values_list("pk", "title", "abstract", "tldr")
    return {pk: paper_text(title, abstract, tldr) for pk, title, abstract, tldr in rows.iterator(chunk_size=1000)}
