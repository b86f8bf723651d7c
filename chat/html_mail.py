"""HTML of a mail as plain text. Nothing of it is ever shown as HTML: it becomes text, and text is rendered like any other.

What mail programs mark as the mail that is answered becomes quoted lines.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import nh3

_BLOCKS = {
    "address", "article", "blockquote", "center", "div", "dl", "dd", "dt", "fieldset", "figure", "footer", "form", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_APART = {"p", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table"}  # a blank line around them
# How Gmail, Yahoo, Thunderbird, Proton and others mark the mail that is answered …
_QUOTES = re.compile(r"\b(gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|tutanota_quote)")
# … and after what Outlook writes it.
_REST = re.compile(r"^(x_)?(divRplyFwdMsg|appendonsend|mail-editor-reference-message-container)$")
_DEEPEST = 500
# What no mail program writes is not read: nested tags cost the parser the square of their number.
LONGEST = 500_000
_MOST_SIGNS = 30_000
_MOST_NESTED = 1000
_NESTING = re.compile(
    r"<(/?)(?!(?:p|li|td|tr|th|tbody|dd|dt|br|hr|img|meta|link|input|option|o:p)\b)[a-z]", re.IGNORECASE
)
_DROPPED = {"script", "style", "head", "title", "template", "svg", "math", "object", "iframe", "select", "textarea"}
_TAGS = _BLOCKS | {"br", "span", "a", "b", "i", "em", "strong", "code", "td", "th"}
_ATTRIBUTES = {tag: {"class", "id"} for tag in ("div", "span", "blockquote", "p", "table", "hr")}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._line: list[str] = []
        self._open: list[tuple[str, bool]] = []  # tags, and whether each begins a quotation
        self._names: Counter[str] = Counter()
        self._quotes = 0
        self._rest = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._break(blank=tag in _APART)
        if _REST.match(known.get("id", "")):
            self._rest = True
        if tag == "br":
            self._end_line()
        if tag in ("br", "hr"):
            return
        if tag == "li":
            self._add("- ")
        quotes = tag == "blockquote" or bool(_QUOTES.search(known.get("class", "")))
        if len(self._open) < _DEEPEST:
            self._open.append((tag, quotes))
            self._names[tag] += 1
            self._quotes += quotes
        if quotes:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        while self._names[tag]:
            name, quotes = self._open.pop()
            self._names[name] -= 1
            if quotes:
                self._break()
            self._quotes -= quotes
            if name == tag:
                break
        if tag in _BLOCKS:
            self._break(blank=tag in _APART)

    def handle_data(self, data: str) -> None:
        if self._names["pre"]:
            first, *more = data.split("\n")
            self._add(first)
            for line in more:
                self._end_line()
                self._add(line)
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        self._add(text.lstrip(" ") if not self._line or self._line[-1].endswith(" ") else text)

    def _add(self, text: str) -> None:
        if text:
            if not self._line and (self._quotes or self._rest):
                self._line.append("> ")
            self._line.append(text)

    def _end_line(self) -> None:
        self.lines.append("".join(self._line).rstrip())
        self._line.clear()

    def _break(self, *, blank: bool = False) -> None:
        if self._line:
            self._end_line()
        if blank and self.lines and self.lines[-1]:
            self.lines.append("")

    def text(self) -> str:
        self.close()
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")


def text_of_html(html: str) -> str:
    """Plain text: paragraphs apart, items of lists with dashes, quotations behind ">". "" for what is no mail at all."""
    if len(html) > LONGEST or html.count("<") + html.count("&") > _MOST_SIGNS or _nested(html) > _MOST_NESTED:
        return ""
    # Parsed as browsers do and written anew: what comes to the reader is short and well-formed.
    tidy = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None, clean_content_tags=_DROPPED)
    reader = _Reader()
    reader.feed(tidy)
    return reader.text()


def _nested(html: str) -> int:
    """How deep tags stand in each other, roughly."""
    depth = deepest = 0
    for closing in _NESTING.findall(html):
        depth = max(0, depth - 1) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest
