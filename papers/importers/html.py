"""Formats that hold HTML where this site has Markdown or plain text."""

from __future__ import annotations

import re
from html import unescape

_TAG = re.compile(r"</?(?:p|br|b|strong|i|em|a|ul|ol|li|div|span|h[1-6]|u|sub|sup)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_LINK = re.compile(r"<a\s[^<>]*href=[\"'](https?://[^\"'<>\s]+)[\"'][^<>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)


def text_of_html(text: str) -> str:
    """One line of plain text: known tags become blanks, everything else (`a < b`, `<table>`) stays."""
    if not _TAG.search(text):
        return text
    return " ".join(unescape(_TAG.sub(" ", text)).split())


def markdown_of_html(text: str) -> str:
    """Markdown for text with simple HTML in it; text without known tags is returned as it is."""
    if not _TAG.search(text):
        return text
    text = _LINK.sub(lambda match: f"[{match[2]}]({match[1]})", text)
    text = re.sub(r"<br\s*/?>", "  \n", text, flags=re.IGNORECASE)
    text = re.sub(r"</?(?:b|strong)(?:\s[^<>]*)?>", "**", text, flags=re.IGNORECASE)
    text = re.sub(r"</?(?:i|em)(?:\s[^<>]*)?>", "*", text, flags=re.IGNORECASE)
    text = re.sub(r"<li(?:\s[^<>]*)?>", "\n- ", text, flags=re.IGNORECASE)
    text = re.sub(r"</?(?:p|div|ul|ol|h[1-6])(?:\s[^<>]*)?>", "\n\n", text, flags=re.IGNORECASE)
    return re.sub(r"\n{3,}", "\n\n", unescape(_TAG.sub("", text))).strip()


def escape_markdown(text: str) -> str:
    """Text that Markdown shows unchanged."""
    return re.sub(r"([\\`*_{}\[\]()#+!<>|~$-])", r"\\\1", text)
