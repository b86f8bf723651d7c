"""Single values of frab schedules: durations, guids, addresses."""

from __future__ import annotations

import base64
import datetime as dt
import re
from urllib.parse import unquote, urljoin, urlsplit
from uuid import UUID

from .records import is_web_address

_LONGEST_LABEL = 80
_CLOCK = re.compile(r"(\d{1,5}):(\d{2})")
_THREE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})")
_ISO = re.compile(r"P(?:(\d{1,3})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})(?:\.\d+)?S)?)?")
_PART_OF = re.compile(r"Part of “(.*)”", re.S)
_OWN_PAGE = re.compile(r"/(events|sessions)/([^/]+)/$")


def duration_of(text: str) -> dt.timedelta | None:
    """ "01:30", ISO 8601 ("PT1H30M"), or three numbers: "01:30:00" is hours to seconds, "1:02:30", with one digit
    first, days to minutes, as pretalx writes what lasts longer than a day."""
    if match := _CLOCK.fullmatch(text):
        return dt.timedelta(hours=int(match[1]), minutes=int(match[2]))
    if match := _THREE.fullmatch(text):
        first, second, third = (int(part) for part in match.groups())
        if len(match[1]) == 1:
            return dt.timedelta(days=first, hours=second, minutes=third)
        return dt.timedelta(hours=first, minutes=second, seconds=third)
    if (match := _ISO.fullmatch(text)) and any(match.groups()):
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return None


def written_duration(duration: dt.timedelta) -> str:
    """What `duration_of` reads back, in the forms that the schema of schedule.xml has: up to 9 days."""
    seconds = int(duration.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours < 100:
        return f"{hours:02}:{minutes:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
    days = min(hours // 24, 9)
    return f"{days}:{hours % 24 if days == hours // 24 else 23:02}:{minutes:02}"


def guid_of(text: str) -> str:
    """A guid as a UUID is written today; frab once wrote the same 16 bytes as 22 characters in base64."""
    if re.fullmatch(r"[A-Za-z0-9_-]{22}", text):
        return str(UUID(bytes=base64.urlsafe_b64decode(text + "==")))
    return text.lower() if is_uuid(text) else text


def is_uuid(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))


def joined(first: str, second: str) -> str:
    return "\n\n".join(filter(None, (first, second)))


def joined_title(title: str, subtitle: str) -> str:
    if not subtitle or subtitle == title:
        return title
    return f"{title} {subtitle}" if title[-1:] in (":", "?", "!", "–", "-", "…") else f"{title}: {subtitle}"


def subtitle_of(session_title: str, event_title: str) -> str:
    """The subtitle under which a session's title stands, such that `title_of_event` finds the event's title again."""
    if session_title == event_title:
        return ""
    for separator in (": ", " "):
        subtitle = event_title.removeprefix(session_title + separator).strip()
        if not _PART_OF.fullmatch(subtitle) and joined_title(session_title, subtitle) == event_title:
            return subtitle
    return f"Part of “{event_title}”"


def title_of_event(session_title: str, subtitle: str) -> str:
    match = _PART_OF.fullmatch(subtitle)
    return match[1] if match else joined_title(session_title, subtitle)


def web_address(text: str, *, base: str, limit: int) -> str:
    """`text` as a whole address, blank where it cannot be one."""
    if text and is_web_address(base) and not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text):
        text = urljoin(base, text)
    return text if len(text) <= limit and is_web_address(text) else ""


def link_of(url: str, title: str, kind: str, *, base: str) -> dict[str, str] | None:
    """A link with a label; None without a web address."""
    if re.match(r"(?:www\.)[^\s/]+\.", url):
        url = f"https://{url}"
    address = web_address(url, base=base, limit=500)
    if not address:
        return None
    label = " ".join(title.split()) or kind.strip().capitalize() or urlsplit(address).hostname or "Link"
    return {"label": label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…", "url": address}


def own_uids(url: str) -> tuple[str, str]:
    """uid of the event (blank: none) and of the session in an address that `own_address` made; blanks otherwise."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    match = _OWN_PAGE.search(parts.path)
    if match is None:
        return "", ""
    if match[1] == "sessions":
        return "", unquote(match[2])
    return unquote(match[2]), unquote(parts.fragment)
