"""`{% demo_panels paper %}`: the demos of a paper, ready to be tried."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from demos import kinds
from demos.frozen import FrozenRun
from demos.lines import as_lines
from demos.models import Demo
from demos.panels import living_workers, panel_for
from papers.models import Paper

register = template.Library()
register.filter("as_lines", as_lines)


@register.simple_tag(takes_context=True)
def demo_panels(context: RequestContext, paper: Paper) -> SafeString:
    """A panel for each enabled demo of `paper`; nothing for a paper without one."""
    demos = [demo for demo in Demo.objects.filter(paper=paper, enabled=True) if demo.kind in kinds.KINDS]
    if not demos:
        return SafeString()
    request: Any = context["request"]
    if frozen := getattr(request, "frozen", None):
        shown = [(demo, [FrozenRun(run) for run in frozen.of(demo)]) for demo in demos]
        return mark_safe(render_to_string("demos/frozen.html", {"demos": shown}, request=request))  # noqa: S308
    workers = living_workers()
    panels = [panel_for(request=request, demo=demo, workers=workers) for demo in demos]
    return mark_safe(render_to_string("demos/panels.html", {"panels": panels}, request=request))  # noqa: S308  a template's output
