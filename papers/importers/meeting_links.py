"""Addresses of video meetings, which are for members only, and texts that name them among other things."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOSTS = re.compile(
    r"(?:^|\.)(?:zoom\.us|zoom\.com|zoomgov\.com|meet\.google\.com|teams\.microsoft\.com|teams\.live\.com|webex\.com|"
    r"gotomeeting\.com|gotowebinar\.com|bluejeans\.com|whereby\.com|meet\.jit\.si|jitsi\.org|gather\.town|"
    r"discord\.gg|skype\.com|ringcentral\.com|bigbluebutton\.org)$"
)
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")
_ABOUT_IT = re.compile(r"\b(?:pass(?:code|word)?|meeting id|pin|kenncode|dial-?in|one tap mobile)\b\s*[:#=]", re.I)


def is_meeting(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return bool(_HOSTS.search(host))


def without_meeting(text: str) -> tuple[str, str, str]:
    """A text without its lines about a meeting; the meeting's address; and what else those lines say (a passcode).

    Lines that look like a passcode count only where there is a meeting.
    """
    addresses = [address for address in _ADDRESS.findall(text) if is_meeting(address)]
    if not addresses:
        return text, "", ""
    kept, note = [], []
    for line in text.split("\n"):
        about = any(is_meeting(address) for address in _ADDRESS.findall(line))
        if not about and not _ABOUT_IT.search(line):
            kept.append(line)
        elif _ABOUT_IT.search(line):
            note.append(_ADDRESS.sub("", line).strip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), addresses[0], "; ".join(filter(None, note))
