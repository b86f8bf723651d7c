"""Template tags of the programme's pages."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from papers import zones
from papers.listing import Wanted
from papers.models import Authorship, Presentation
from papers.schedule.layout import Slot, kind_name

register = template.Library()


def _iso(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.simple_tag
def time_range(start: dt.datetime, end: dt.datetime) -> SafeString:
    """From when to when; in UTC until static/site/time.js writes it in the viewer's zone."""
    start, end = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end.day} {end:%b, %H:%M}"
    text = f"{start.day} {start:%b %Y, %H:%M}–{last} UTC"
    return format_html('<time datetime="{}" data-local="range" data-end="{}">{}</time>', _iso(start), _iso(end), text)


@register.simple_tag
def clock(time: dt.datetime) -> SafeString:
    """The time of day, as the zone of `time` has it until the script writes it in the viewer's way."""
    return format_html('<time datetime="{}" data-local="time">{}</time>', _iso(time), zones.clock(time))


@register.simple_tag
def clocks(start: dt.datetime, end: dt.datetime) -> SafeString:
    """From when to when on a day that is named nearby, as the zone of `start` and `end` has it."""
    html = '<time datetime="{}" data-local="times" data-end="{}">{}</time>'
    return format_html(html, _iso(start), _iso(end), zones.span(start, end))


@register.simple_tag
def moment(time: dt.datetime) -> SafeString:
    """Day and time; in UTC until static/site/time.js writes it in the viewer's zone."""
    time = time.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}" data-local="datetime">{}</time>', _iso(time), f"{time.day} {time:%b %Y, %H:%M} UTC"
    )


@register.simple_tag
def author_links(authorships: Any) -> SafeString:
    """Names in order, each a link to the person's page; an asterisk marks equal contribution."""

    def link(authorship: Authorship) -> SafeString:
        star = format_html('<abbr title="Equal contribution">*</abbr>') if authorship.equal_contribution else ""
        return format_html('<a href="{}">{}</a>{}', authorship.person.get_absolute_url(), authorship.person.name, star)

    return format_html_join(", ", "{}", ((link(authorship),) for authorship in authorships))


@register.simple_tag
def author_names(authorships: Any, most: int = 6) -> str:
    """Names in order; a long list is cut and says by how many."""
    names = [authorship.person.name for authorship in authorships]
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


@register.simple_tag
@lru_cache(maxsize=4096)  # a list shows a hundred of them
def keyword_link(name: str) -> str:
    return f"{reverse('papers')}?{urlencode({'keyword': name})}"


@register.simple_tag(takes_context=True)
def changed_query(context: template.Context, **changes: object) -> str:
    """The present address with some parameters changed; an empty value takes one out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in ("", None):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag
def slot_times(presentation: Presentation) -> tuple[dt.datetime, dt.datetime]:
    """When a paper is presented: its own times, or its session's."""
    session = presentation.session
    return presentation.starts_at or session.starts_at, presentation.ends_at or session.ends_at


@register.simple_tag
def size_link(wanted: Wanted, size: str) -> str:
    """Address of the same list with cards of another size."""
    query = wanted.query_string()
    return f"?{query}&size={size}" if query else f"?size={size}"


@register.simple_tag
def week_block_link(wanted: Any, block: Any) -> str:
    """Where the sessions of a block of the week stand in their day (papers/schedule/week.py)."""
    address = wanted.address(view="day", day=block.starts_at.date(), page=block.page)
    return f"{reverse('schedule')}{address}#{block.anchor}"


register.filter(kind_name)


@register.simple_tag
def slot_classes(slot: Slot, now: dt.datetime, lanes: bool) -> str:
    """Classes of a session in the schedule: its kind, its place where it stands in lanes, whether it is on or over."""
    names = ("slot", f"kind-{slot.session.kind}", slot.place if lanes else "", slot.state(now))
    return " ".join(filter(None, names))


@register.filter
def excerpt(text: str, most: int) -> str:
    """The beginning of a text, cut after a sentence or word and never inside of a formula."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[:most]
    cut = cut[: cut.rfind(". ") + 1] if cut.rfind(". ") > most // 2 else cut[: cut.rfind(" ")]
    if cut.count("$") % 2:
        cut = cut[: cut.rfind("$")].rstrip()
    return cut if cut.endswith(".") else f"{cut} …"
