"""The signed address under which a reply by mail comes back: reply+<token>@REPLY_DOMAIN.

The token names the account, the message it answers and the day it expires, with a code of 80 bits over all three: it
cannot be made up or changed, and says nothing that its reader does not know. Base32 in small letters survives every mail
program.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.timezone import now

LIFETIME = timedelta(days=30)
_PREFIX = "reply+"
_EPOCH = date(2020, 1, 1)
_SALT = "chat.reply-address"
_CODE = 10  # bytes
_TOKEN = re.compile(r"reply\+([a-z2-7]{20,60})")


class TokenInvalid(Exception):
    """The address is none of ours, or was changed on its way."""


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """What an address stands for."""

    user_id: int
    message_id: int
    expires: datetime

    @property
    def expired(self) -> bool:
        return self.expires <= now()


def reply_address(*, user_id: int, message_id: int) -> str:
    """Where `user_id` answers message `message_id` by mail for 30 days; "" where this site takes no mail."""
    if not settings.REPLY_DOMAIN:
        return ""
    last_day = (now() + LIFETIME).astimezone(UTC).date()
    payload = _number(user_id) + _number(message_id) + _number((last_day - _EPOCH).days)
    token = base64.b32encode(payload + _code(payload)).decode().rstrip("=").lower()
    return f"{_PREFIX}{token}@{settings.REPLY_DOMAIN}"


def read_address(address: str) -> ReplyTo:
    """What an address stands for, expired or not. Raises TokenInvalid."""
    local, _, domain = address.strip().lower().rpartition("@")
    match = _TOKEN.fullmatch(local)
    if match is None or not settings.REPLY_DOMAIN or domain != settings.REPLY_DOMAIN.lower():
        raise TokenInvalid
    token = match[1].upper()
    try:
        raw = base64.b32decode(token + "=" * (-len(token) % 8))
    except ValueError as error:
        raise TokenInvalid from error
    payload, code = raw[:-_CODE], raw[-_CODE:]
    if not constant_time_compare(code, _code(payload)):
        raise TokenInvalid
    user_id, message_id, days = _numbers(payload)  # signed, so it is as we wrote it
    # Until the end of the last day.
    expires = datetime.combine(_EPOCH + timedelta(days=days + 1), datetime.min.time(), UTC)
    return ReplyTo(user_id, message_id, expires)


def is_ours(address: str) -> bool:
    """Whether an address looks like one of these, right or wrong."""
    local, _, domain = address.strip().lower().rpartition("@")
    return bool(settings.REPLY_DOMAIN) and domain == settings.REPLY_DOMAIN.lower() and local.startswith(_PREFIX)


def _code(payload: bytes) -> bytes:
    return salted_hmac(_SALT, payload, algorithm="sha256").digest()[:_CODE]


def _number(value: int) -> bytes:
    """Seven bits in each byte, the lowest first; the highest bit says that more follows (LEB128)."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes([*parts, value])


def _numbers(raw: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in raw:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            found.append(value)
            value = shift = 0
    return found
