"""`{% bookmark_button paper %}`: the star on cards and pages, with the script and style it needs."""

from __future__ import annotations

from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from miniconf.permissions import can_bookmark
from papers.bookmarks import Thing, kind_of, marks_of
from papers.filters import marks_on
from papers.listing.facets import Choices
from papers.models import Event, Paper, Session

register = template.Library()
_WORD = SafeString('<span class="bookmark-word"></span>')


def _request(context: template.Context) -> Any:
    request = context.get("request")
    return request if request is not None and hasattr(request, "user") else None


@register.simple_tag(takes_context=True)
def marks_assets(context: template.Context) -> SafeString:
    """Style and script of the marks. Buttons bring them along themselves; a page may put them into its head."""
    request, account = _request(context), SafeString()
    if request is not None:
        if getattr(request, "has_marks_assets", False):
            return SafeString()
        request.has_marks_assets = True
        if can_bookmark(request.user):
            account = format_html(' data-take-over="{}"', reverse("take_over_bookmarks"))
    return format_html(
        '<link rel="stylesheet" href="{}"{}><script type="module" src="{}"></script>',
        static("papers/marks.css"),
        account,
        static("papers/marks.js"),
    )


@register.simple_tag(takes_context=True)
def bookmark_button(
    context: template.Context,
    thing: Thing | None = None,
    *,
    paper: Paper | None = None,
    session: Session | None = None,
    event: Event | None = None,
    label: bool = False,
) -> SafeString:
    """A star for a paper, session or event. `label=True` shows the word beside it.

    For members a form of its own, which works without scripts; for visitors, whose page is the same for all of them, a
    button that appears where scripts run and keeps the bookmark in the browser.
    """
    target = thing or paper or session or event
    if target is None:
        return SafeString()
    kind, request = kind_of(target), _request(context)
    partial = request is not None and bool(getattr(request, "htmx", False))
    assets = "" if partial else marks_assets(context)
    member = request is not None and can_bookmark(request.user)
    on = member and (kind, target.pk) in marks_of(request).bookmarked
    word = _WORD if label else ""
    name = f"Bookmark “{target.title[:100]}”"
    if not member:
        return format_html(
            '{}<button class="bookmark-button" type="button" data-bookmark="{}:{}" aria-pressed="false"'
            ' aria-label="{}" hidden>{}</button>',
            assets, kind, target.uid, name, word,
        )  # fmt: skip
    return format_html(
        '{}<form class="bookmark" method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="{}" value="{}"><button class="bookmark-button" name="bookmarked" value="{}"'
        ' data-bookmark="{}:{}" aria-pressed="{}" aria-label="{}">{}</button></form>',
        assets, reverse("bookmark"), context.get("csrf_token") or get_token(request), kind, target.uid,
        "0" if on else "1", kind, target.uid, "true" if on else "false", name, word,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def is_visited(context: template.Context, paper: Paper) -> bool:
    """Whether the member who looks has opened the paper's page; for visitors the script says so."""
    request = _request(context)
    return request is not None and paper.pk in marks_of(request).visited


@register.simple_tag
def card_marks(paper: Paper) -> SafeString:
    """What filters tell of a paper: "Video", "Demo". The paper comes from `with_cards`."""
    return format_html_join(" ", '<span class="card-mark card-mark-{}">{}</span>', (
        (known.name, known.mark) for known in marks_on(paper)
    ))  # fmt: skip


@register.simple_tag
def thumbnail(paper: Paper) -> str:
    """Address of the picture on a card, "" if there is none."""
    return reverse("media", args=[paper.thumbnail_file]) if paper.thumbnail_file else paper.thumbnail_url


@register.simple_tag
def options(choices: Choices, name: str, chosen: str) -> SafeString:
    """The options of one of the list's selects."""
    return choices.options(name, chosen)
