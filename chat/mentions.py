"""People named in a text: `@[Ada Lovelace](person:0b6e…)`, as the completion of names writes it. A name alone belongs to
nobody for certain."""

from __future__ import annotations

import re

from miniconf.accounts.models import User

MENTION = re.compile(r"@\[([^\]\n]{1,120})\]\(person:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\)")
MOST_MENTIONS = 20


def mentioned(text: str) -> set[int]:
    """Accounts named in a text."""
    ids = list(dict.fromkeys(public_id for _, public_id in MENTION.findall(text)))[:MOST_MENTIONS]
    return set(User.objects.filter(public_id__in=ids, is_active=True).values_list("pk", flat=True)) if ids else set()


def without_marks(text: str) -> str:
    """A text with mentions as people read them: "@Ada Lovelace"."""
    return MENTION.sub(r"@\1", text)
