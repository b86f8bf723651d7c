"""Free pages of ACL 2020 and EMNLP 2020: questions, committee, code of conduct."""

from __future__ import annotations

import re

from django.utils.text import slugify

from .family import Source
from .html import escape_markdown, markdown_of_html
from .problems import Place
from .programme import PageEntry
from .records import Record


def read_pages(source: Source) -> None:
    _questions(source)
    _committee(source)
    _conduct(source)


def _add(source: Source, place: Place, title: str, body: str, position: int) -> None:
    slug = f"{source.options.source}-{slugify(title) or 'page'}"[:80]
    source.programme.pages.append(PageEntry(place, slug, title[:200], body.strip(), position))


def _sections(source: Source, stem: str, key: str) -> list[Record]:
    name, value = source.value(stem)
    if isinstance(value, dict):
        return source.record(Place(name), value).records(key)
    return source.record(Place(name), {key: value}).records(key) if value is not None else []


def _questions(source: Source) -> None:
    for position, section in enumerate(_sections(source, "faq", "FAQ")):
        parts = [
            f"### {qa.text('Question', required=True)}\n\n{markdown_of_html(qa.text('Answer'))}"
            for qa in section.records("QA")
        ]
        title = section.text("Section", required=True, limit=200)
        _add(source, section.place, title or "FAQ", "\n\n".join(parts), 100 + position)


def _committee(source: Source) -> None:
    lines: list[str] = []
    role = ""
    for member in _sections(source, "committee", "committee"):
        if member.text("role") != role:
            role = member.text("role")
            lines.append(f"\n### {escape_markdown(role)}\n")
        name, affiliation = member.text("name", required=True), member.text("aff") or member.text("affiliation")
        handle = member.text("tw").lstrip("@")
        contact = (
            f" ([@{escape_markdown(handle)}](https://twitter.com/{handle}))" if re.fullmatch(r"\w+", handle) else ""
        )
        lines.append(f"- {escape_markdown(name)}{f', {escape_markdown(affiliation)}' if affiliation else ''}{contact}")
    if lines:
        _add(source, Place("committee.yml"), "Committee", "\n".join(lines), 200)


def _conduct(source: Source) -> None:
    name, value = source.value("code_of_conduct")
    if isinstance(value, dict):
        value = value.get("CodeOfConduct", value)
    text = "\n\n".join(_paragraphs(value))
    if text:
        _add(source, Place(name), "Code of conduct", text, 150)


def _paragraphs(value: object) -> list[str]:
    """All texts of a nested value, in their order."""
    if isinstance(value, str):
        return [markdown_of_html(value)] if value.strip() else []
    if isinstance(value, list):
        return [text for item in value for text in _paragraphs(item)]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _paragraphs(item)]
    return []
