"""Talks that lie at a video site: recognised by their address, framed only after a click."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Embed:
    provider: str
    frame_url: str  # empty where the site's player cannot be framed from this address


def embed_of(url: str) -> Embed | None:
    """Who plays the video at `url` and the address of the player, for the four sites the page may frame."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    segments = [segment for segment in parts.path.split("/") if segment]
    last = segments[-1] if segments else ""
    if host in ("youtube.com", "youtube-nocookie.com", "youtu.be"):
        video = parse_qs(parts.query).get("v", [last])[0]
        return _embed("YouTube", video, r"[\w-]{11}", "https://www.youtube-nocookie.com/embed/{}")
    if host in ("vimeo.com", "player.vimeo.com"):
        number = next((segment for segment in segments if segment.isdecimal()), "")
        unlisted = re.fullmatch(r"[0-9a-f]{8,12}", last) if last != number else None
        target = "https://player.vimeo.com/video/{}?dnt=1" + (f"&h={last}" if unlisted else "")
        return _embed("Vimeo", number, r"\d+", target)
    if host == "slideslive.com":
        number = next((match[0] for s in segments if (match := re.match(r"\d{6,}", s))), "")
        return _embed("SlidesLive", number, r"\d+", "https://slideslive.com/embed/presentation/{}")
    if host in ("bilibili.com", "player.bilibili.com"):
        video = parse_qs(parts.query).get("bvid", [last])[0]
        return _embed("Bilibili", video, r"BV\w{10}", "https://player.bilibili.com/player.html?bvid={}&autoplay=0")
    return None


def _embed(provider: str, video: str, pattern: str, target: str) -> Embed:
    return Embed(provider, target.format(video) if re.fullmatch(pattern, video) else "")
