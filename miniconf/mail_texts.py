"""The words of the site's mails, which organizers may write anew: plain text with placeholders such as {conference}.

Each app describes its mails in a module `mail_texts.py`, which is found by its name; their usual words are in
templates/mail/<name>.txt, whose first line is the subject. Placeholders are put in once: what stands for one is never
looked at for others, and no expression is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe

from miniconf.console.models import MailWording
from papers.models import Conference

if TYPE_CHECKING:
    from miniconf.accounts.models import User

LONGEST_SUBJECT = 200
LONGEST_BODY = 10_000
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# Whatever looks as if it was meant for one: {Name}, { name }, {{ conference.name }}.
_ATTEMPT = re.compile(r"\{+\s*([\w.|: -]{1,60}?)\s*\}+")
COMMON = {"conference": "the conference's name", "site": "the address of this site"}


@dataclass(frozen=True)
class Block:
    """What stands for a placeholder where text and HTML differ; not for subjects."""

    text: str
    html: SafeString


Filling = Mapping[str, "str | Block"]


@dataclass(frozen=True)
class MailText:
    """One of the site's mails: what it is for, which placeholders its words may hold, and what stands for them."""

    name: str
    title: str
    sent: str  # when, and to whom
    placeholders: Mapping[str, str]  # besides COMMON: the name, and what it stands for
    fill: Callable[[Mapping[str, Any]], Filling]  # from what `send_mail` was given
    example: Callable[[User], dict[str, Any]]  # what `send_mail` might be given, for a preview
    required: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset()  # placeholders that are more than a line
    html: bool = False  # whether it goes out in HTML, too
    # What stands above the text whatever organizers write.
    before: Callable[[Mapping[str, Any]], Block | None] = field(default=lambda context: None)

    @property
    def known(self) -> dict[str, str]:
        return {**self.placeholders, **COMMON}


@dataclass(frozen=True)
class Words:
    subject: str
    body: str


@dataclass(frozen=True)
class Composed:
    subject: str
    text: str
    html: str | None


_texts: dict[str, MailText] = {}


def register(text: MailText) -> None:
    _texts[text.name] = text


def find(name: str) -> MailText | None:
    return _texts.get(name)


def all_texts() -> list[MailText]:
    return sorted(_texts.values(), key=lambda text: text.title)


@cache
def usual_words(name: str) -> Words:
    path = Path(settings.BASE_DIR) / "templates" / "mail" / f"{name}.txt"
    subject, _, body = path.read_text(encoding="utf-8").strip().partition("\n")
    return Words(subject, body.strip())


def words_of(name: str) -> Words:
    """Those of the organizers, else the usual ones."""
    own = MailWording.objects.filter(name=name).first()
    return Words(own.subject, own.body) if own else usual_words(name)


def problems_of(text: MailText, words: Words) -> dict[str, list[str]]:
    """What is wrong with these words, as sentences, by "subject" and "body"."""
    found: dict[str, list[str]] = {"subject": _unknown(text, words.subject), "body": _unknown(text, words.body)}
    named = _PLACEHOLDER.findall(words.subject)
    found["subject"] += [
        f"{{{name}}} holds several lines; it may stand in the text, not in the subject."
        for name in dict.fromkeys(named)
        if name in text.blocks
    ]
    found["body"] += [
        f"{{{name}}} is missing: {text.known[name]}. Without it the mail is of no use."
        for name in sorted(text.required - set(_PLACEHOLDER.findall(words.body)))
    ]
    return {where: sentences for where, sentences in found.items() if sentences}


def _unknown(text: MailText, words: str) -> list[str]:
    sentences = []
    for match in _ATTEMPT.finditer(words):
        if (whole := _PLACEHOLDER.fullmatch(match[0])) and whole[1] in text.known:
            continue
        meant = get_close_matches(match[1].lower().replace(" ", "_"), text.known, n=1, cutoff=0.6)
        hint = f"Did you mean {{{meant[0]}}}?" if meant else f"Known are {_listed(text.known)}."
        sentences.append(f"{match[0]} is no placeholder of this mail. {hint}")
    return list(dict.fromkeys(sentences))


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def compose(text: MailText, context: Mapping[str, Any], words: Words | None = None) -> Composed:
    """The mail as it goes out, in the organizers' words or in these."""
    words = words or words_of(text.name)
    filling: dict[str, str | Block] = {
        "conference": Conference.current().name,
        "site": settings.SITE_URL,
        **text.fill(context),
    }

    def plain(match: re.Match[str]) -> str:
        value = filling.get(match[1], match[0])
        return value.text if isinstance(value, Block) else value

    before = text.before(context)
    subject = " ".join(_PLACEHOLDER.sub(plain, words.subject).split())
    body = _PLACEHOLDER.sub(plain, words.body.replace("\r\n", "\n")).strip()
    # An empty block leaves more than one empty line behind.
    body = re.sub(r"\n{3,}", "\n\n", f"{before.text}\n\n{body}" if before else body) + "\n"
    html = None
    if text.html:
        parts = [before.html if before else "", *_paragraphs(words.body.replace("\r\n", "\n"), filling)]
        html = render_to_string(
            "mail/frame.html",
            {"title": filling["conference"], "parts": [mark_safe(part) for part in parts if part]},  # noqa: S308
        )
    return Composed(subject, body, html)


def _paragraphs(body: str, filling: Filling) -> list[str]:
    """The text as HTML: what stands in it is escaped, addresses become links, blocks bring their own HTML."""
    found: list[str] = []
    running = ""

    def end() -> None:
        nonlocal running
        if running.strip():
            found.append(linebreaks(urlize(running.strip(), autoescape=True)))
        running = ""

    for place, piece in enumerate(_PLACEHOLDER.split(body)):
        value = filling.get(piece, f"{{{piece}}}") if place % 2 else piece
        if isinstance(value, Block):
            end()
            found.append(value.html)
        else:
            running += value
    end()
    return found


def greeting(name: str) -> str:
    return f"Hello {name}".strip()


GREETING = {"greeting": "“Hello” with the name of whoever gets it"}
