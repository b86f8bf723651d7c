"""Text from people and files to HTML: the one place where it is rendered and sanitized.

`render_markdown` is for Markdown (messages, pages, descriptions), `render_plain` for running text that is not
Markdown (abstracts: line breaks count, `<...>` is text), `render_inline` for titles. All three set LaTeX as MathML.
The same text gives the same HTML, so what was rendered lately is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from html import escape
from importlib import import_module
from typing import Any, ParamSpec

import nh3
from django.utils.safestring import SafeString, mark_safe
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_MATHML = {
    "math", "semantics", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "msub",
    "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd",
    "mpadded", "mphantom", "menclose", "merror",
}  # fmt: skip
_TAGS = {
    "p", "br", "hr", "strong", "em", "s", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span", "div",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "sup", "sub",
} | _MATHML  # fmt: skip
_MATH_ATTRIBUTES = {"mathvariant", "stretchy", "fence", "separator", "lspace", "rspace", "width", "accent", "linethickness",
                    "columnalign", "rowspacing", "columnspacing", "displaystyle", "scriptlevel", "minsize", "maxsize",
                    "form", "movablelimits", "symmetric", "notation", "accentunder", "height", "depth"}  # fmt: skip
_ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title"},
    "span": {"class", "data-person"},
    "div": {"class"},
    "code": {"class"},
    "ol": {"start"},
    "math": {"display"},
    **{tag: _MATH_ATTRIBUTES for tag in _MATHML if tag != "math"},
}
_LONGEST_FORMULA = 2000
# A short row of a wide table is filled up: four kilobytes could become a page of 65,000 cells.
import_module("markdown_it.rules_block.table").MAX_AUTOCOMPLETED_CELLS = 2000  # type: ignore[attr-defined]
_LONGEST_REMEMBERED = 5000  # characters; three times 500 such texts bound the memory
P = ParamSpec("P")


def _remembering(render: Callable[P, SafeString]) -> Callable[P, SafeString]:
    remembered = lru_cache(maxsize=500)(render)

    @wraps(render)
    def rendered(*args: P.args, **kwargs: P.kwargs) -> SafeString:
        # A lazy or marked text is another key than the plain one and may be another text tomorrow.
        if type(args[0]) is not str or len(args[0]) > _LONGEST_REMEMBERED:
            return render(*args, **kwargs)
        return remembered(*args, **kwargs)  # type: ignore[arg-type]  # all of them can be hashed

    return rendered


def _clean(html: str) -> SafeString:
    """The sanitizer. Links open no opener and pass no rank on; only http, https and mailto survive."""
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow ugc",
    )
    return mark_safe(cleaned)  # noqa: S308  cleaned one line above


@lru_cache(maxsize=4096)
def _mathml(latex: str, display: bool) -> str:
    """MathML of a formula; the formula itself as code where it cannot be read as LaTeX."""
    source = escape(f"$${latex}$$" if display else f"${latex}$")
    if len(latex) > _LONGEST_FORMULA:
        return f"<code>{source}</code>"
    try:
        return convert(latex, display="block" if display else "inline")
    except Exception:  # the converter raises many kinds of error; any of them means: not LaTeX
        return f"<code>{source}</code>"


def _render_math(content: str, options: dict[str, Any]) -> str:
    return _mathml(content.strip(), options["display_mode"])


def _highlight(code: str, language: str, _attributes: str) -> str:
    """Classes, no styles: the colours are in the style sheet."""
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        return escape(code)
    return highlight(code, lexer, HtmlFormatter(nowrap=True))


_PERSON = re.compile(r"person:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def _mark_mentions(state: StateCore) -> None:
    """`@[Ada Lovelace](person:0b6e…)`: the name of an account, marked with whose it is, sign included."""
    for block in state.tokens:
        children = block.children or []
        for place, token in enumerate(children):
            person = _PERSON.fullmatch(str(token.attrGet("href"))) if token.type == "link_open" else None
            before = children[place - 1] if place else None
            if person is None or before is None or before.type != "text" or not before.content.endswith("@"):
                continue
            before.content = before.content[:-1]
            token.tag, token.attrs = "span", {"class": "mention", "data-person": person[1]}
            sign = Token("text", "", 0, content="@")
            end = next(end for end in children[place:] if end.type == "link_close")  # links hold no links
            end.tag = "span"
            children.insert(place + 1, sign)


@lru_cache(maxsize=2)
def _markdown(breaks: bool) -> MarkdownIt:
    markdown = MarkdownIt(
        "commonmark", {"html": False, "linkify": True, "breaks": breaks, "highlight": _highlight, "maxNesting": 20}
    ).enable(["table", "strikethrough", "linkify"])
    # Only what begins with http:// is an address: "challenges.In addition" is not.
    if markdown.linkify is not None:
        markdown.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    markdown.core.ruler.push("mentions", _mark_mentions)
    # Dollars next to digits or blanks are money, not mathematics.
    return markdown.use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_render_math)


@_remembering
def render_markdown(text: str, *, breaks: bool = False) -> SafeString:
    """CommonMark with tables, links, highlighted code and $LaTeX$; raw HTML is shown as text.

    `breaks` keeps line breaks, as people who write messages expect; files are wrapped wherever their editor wraps.
    """
    return _clean(_markdown(breaks).render(text))


@lru_cache(maxsize=1)
def _mail_markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "maxNesting": 20})
    if markdown.linkify is not None:
        markdown.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    return markdown.enable(["table", "strikethrough", "linkify"])


def render_mail(text: str) -> SafeString:
    """Markdown for the HTML form of a mail: mail programs know neither MathML nor our style sheet, so formulas stay LaTeX
    and code has one colour."""
    cleaned = nh3.clean(
        _mail_markdown().render(text),
        tags=_TAGS - _MATHML,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    return mark_safe(cleaned)  # noqa: S308  cleaned one line above


# \$ is a dollar; a formula neither begins nor ends with a blank, and no digit follows it.
_FORMULA = re.compile(
    r"(?<!\\)\$\$(?P<display>[^$]+?)\$\$"
    r"|(?<![\\$\w])\$(?P<inline>(?!\s)(?:\\.|[^$\\])+?(?<!\s))\$(?!\d)"
    r"|\\\((?P<paren>.+?)\\\)|\\\[(?P<bracket>.+?)\\\]",
    re.DOTALL,
)


def _text_with_math(text: str) -> str:
    parts, end = [], 0
    for match in _FORMULA.finditer(text):
        parts.append(escape(text[end : match.start()]))
        display = match["display"] or match["bracket"]
        parts.append(_mathml((display or match["inline"] or match["paren"]).strip(), bool(display)))
        end = match.end()
    parts.append(escape(text[end:]))
    return "".join(parts)


@_remembering
def render_plain(text: str) -> SafeString:
    """Running text: blank lines part paragraphs, line breaks stay, `<...>` is shown, LaTeX becomes MathML."""
    normal = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    paragraphs = re.split(r"\n[ \t]*\n+", normal) if normal else []
    html = "".join(f"<p>{_text_with_math(p).replace(chr(10), '<br>')}</p>" for p in paragraphs)
    return _clean(html)


@_remembering
def render_inline(text: str) -> SafeString:
    """A title: one line, LaTeX as MathML, nothing else."""
    if not _FORMULA.search(text):
        return mark_safe(escape(text))  # noqa: S308  escaped: there is nothing left to sanitize
    return _clean(_text_with_math(text))
