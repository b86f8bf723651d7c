"""What somebody wrote in a reply by mail: without the mail it answers, without the signature.

The vocabulary of mail programs in a dozen languages comes from the library `mailparser_reply`; our own mails begin with
a line above which one answers, which needs no vocabulary. In doubt a line stays: a signature in a message is ugly, half an
answer is a lie.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mailparser_reply import EmailMessage as Conversation
from mailparser_reply.constants import MAIL_LANGUAGES

MARKER = "To answer, write above this line"
LONGEST = 200_000  # letters that are looked at
# What the library sees: its patterns take the square of the length of a line, and of blank lines in a row.
_LONGEST_LINE = 300
_MOST_SEEN = 6000  # letters; longer texts are no messages anyway
_MOST_SIGNATURE_LINES = 6
_LONGEST_SIGNATURE_LINE = 60
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\xad"))
# "Am 3. Mai 2027 um 10:02 schrieb Ada <ada@example.org>:" in a language nobody has listed.
_HEADING = re.compile(r"(<[^<>\s]+@[^<>\s]+>|\d{1,2}[:.h]\d{2}).*[::]\s*$", re.DOTALL)
_REAL_HEADING = re.compile(r"\d|@|\n|-{5}")
_SEPARATOR = re.compile(
    r"\s*_{30,}\s*"
)  # Outlook's, above the mail that is answered; gateways' above their small print


def stripped_reply(text: str) -> str:
    """The new text of a reply in plain text; "" where there is none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").translate(_INVISIBLE)[:LONGEST]
    lines = text.split("\n")
    marker = next((place for place, line in enumerate(lines) if MARKER in line), None)
    if marker is None:
        return _own_words(lines)
    before = lines[:marker]
    _drop_heading(before)
    above = _own_words(before)
    if above or not _is_quoted(lines[marker]):
        return above
    return _own_words(lines[marker + 1 :])  # somebody who answers below what they quote


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Text as format=flowed (RFC 3676) means it: lines that end with a blank go on in the next one."""
    lines: list[str] = []
    open_line = False
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = raw[1:] if raw.startswith(" ") else raw  # stuffed
        quoted = _is_quoted(line)
        if open_line and not quoted and line != "-- ":
            lines[-1] += line
        else:
            lines.append(line)
        open_line = line.endswith(" ") and line != "-- " and not quoted
        if open_line and delete_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(line if line == "-- " else line.rstrip() for line in lines)


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _drop_heading(lines: list[str]) -> None:
    """Take the line that introduces a quotation off the end of these lines, and what is blank there."""
    while lines and not lines[-1].strip("#>- "):
        lines.pop()
    start = len(lines)
    while start and lines[start - 1].strip() and len(lines) - start < 3:
        start -= 1
    if _HEADING.search("\n".join(lines[start:])):
        del lines[start:]


def _own_words(lines: list[str]) -> str:
    own: list[str] = []
    for line in lines:
        if not _is_quoted(line):
            own.append(line)
        elif own and own[-1].strip():
            _drop_heading(own)
            own.append("")
    return "\n".join(_without_signature(_newest(own))).strip("\n").rstrip()


def _newest(lines: list[str]) -> list[str]:
    """The lines before the first mail that is quoted without signs, as the library finds them.

    What it takes for the heading of one must have a date, an address or several lines.

    The library takes blanks off the beginnings of lines, which code needs; so its answer is looked up among our own lines.
    """
    end = next((place for place, line in enumerate(lines) if _SEPARATOR.fullmatch(line)), len(lines))
    lines = lines[:end]
    lines = [line for place, line in enumerate(lines) if line.strip() or (place and lines[place - 1].strip())]
    seen: list[str] = []
    left = _MOST_SEEN
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        seen.append(line.strip()[:_LONGEST_LINE])
    conversation = Conversation(text="\n".join(seen), languages=list(MAIL_LANGUAGES), keep_hyphen_lists=True).read()
    wanted: list[str] = []
    for reply in conversation.replies:
        real = bool(_REAL_HEADING.search(reply.headers))
        if wanted and real:
            break
        wanted += (reply.full_body if real else reply.content).split("\n")
    found: list[str] = []
    place = 0
    for line in wanted:
        while place < len(seen) and seen[place] != line.strip():
            place += 1
        if place == len(seen):
            break
        found.append(lines[place].rstrip() if lines[place] != "-- " else "-- ")
        place += 1
    if len(found) == len(seen):  # nothing was found in what the library saw
        found += [line.rstrip() for line in lines[len(seen) :]]
    return found


@lru_cache(maxsize=1)
def _closings() -> re.Pattern[str]:
    """Whole lines that only signatures begin with, in all languages of the library."""
    words: list[str] = []
    for language in MAIL_LANGUAGES.values():
        known = language.get("signatures", [])
        words += [known] if isinstance(known, str) else list(known)
    return re.compile(rf"(?:{'|'.join(words)})\s*[,.!]?", re.IGNORECASE)


@lru_cache(maxsize=1)
def _sent_from() -> re.Pattern[str]:
    words = [language["sent_from"] for language in MAIL_LANGUAGES.values() if language.get("sent_from")]
    return re.compile(rf"(?:{'|'.join(words)}).{{0,60}}", re.IGNORECASE)


def _without_signature(lines: list[str]) -> list[str]:
    for place, line in enumerate(lines):
        if line in ("-- ", "--"):
            lines = lines[:place]
            break
    lines = _without_blank_end(lines)
    if lines and _sent_from().fullmatch(lines[-1].strip()):
        lines = _without_blank_end(lines[:-1])
    for place in range(len(lines) - 1, max(0, len(lines) - _MOST_SIGNATURE_LINES - 2), -1):
        rest = [line for line in lines[place + 1 :] if line.strip()]
        if len(rest) > _MOST_SIGNATURE_LINES or any(len(line) > _LONGEST_SIGNATURE_LINE for line in rest):
            break
        if _closings().fullmatch(lines[place].strip()):
            return _without_blank_end(lines[:place])
    return lines


def _without_blank_end(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
