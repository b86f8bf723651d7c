"""BibTeX of a paper that came without one, and the meta tags that Google Scholar reads."""

from __future__ import annotations

import re

from .models import Paper
from .search import words

_MATH = re.compile(r"(?<!\\)(\$[^$]+\$)")
_STOP_WORDS = frozenset({"a", "an", "the", "on", "in", "of", "for", "and", "to", "with", "is", "are", "what", "how"})


def bibtex(paper: Paper, *, url: str) -> str:
    """The paper's own BibTeX, or an entry made of what is known. `url` is the address of its page here."""
    if paper.bibtex.strip():
        return paper.bibtex.strip()
    names = author_names(paper)
    fields = {
        "title": f"{{{_tex(paper.title)}}}",
        "author": " and ".join(_tex(name) for name in names),
        "booktitle" if paper.venue else "howpublished": _tex(paper.venue or "Conference paper"),
        "year": str(paper.year or ""),
        "url": url,
    }
    kind = "inproceedings" if paper.venue else "misc"
    lines = [f"  {name:<12} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{_key(paper, names)},\n" + ",\n".join(lines) + "\n}"


def author_names(paper: Paper) -> list[str]:
    return [authorship.person.name for authorship in paper.authorships.all()]


def meta_tags(paper: Paper, *, page_url: str) -> list[tuple[str, str]]:
    """Names and contents of `citation_*` tags (Google Scholar's inclusion guidelines)."""
    tags = [("citation_title", paper.title)]
    tags += [("citation_author", name) for name in author_names(paper)]
    if paper.year:
        tags.append(("citation_publication_date", str(paper.year)))
    if paper.venue:
        tags.append(("citation_conference_title", paper.venue))
    pdf = next((link["url"] for link in paper.links if link.get("label", "").lower() in ("pdf", "paper")), "")
    if pdf:
        tags.append(("citation_pdf_url", pdf))
    tags.append(("citation_abstract_html_url", page_url))
    tags += [("citation_keywords", keyword.name) for keyword in paper.keywords.all()]
    return tags


def _key(paper: Paper, names: list[str]) -> str:
    family = "".join(words(names[0].split()[-1])) if names and names[0].split() else "anonymous"
    first = next((word for word in words(paper.title) if word not in _STOP_WORDS), "paper")
    ascii_key = f"{family}{paper.year or ''}{first}".encode("ascii", "ignore").decode()
    return ascii_key or "paper"


def _tex(text: str) -> str:
    """Text for a BibTeX field: special characters outside of mathematics escaped, braces balanced."""
    parts = _MATH.split(" ".join(text.split()))
    escaped = [part if part.startswith("$") else re.sub(r"(?<!\\)([&%#_])", r"\\\1", part) for part in parts]
    joined = "".join(escaped)
    return joined if _balanced(joined) else re.sub(r"[{}]", "", joined)


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
