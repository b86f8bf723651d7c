"""Filters that render text: `page.body|markdown`, `paper.abstract|plain_math`, `paper.title|math_inline`."""

from django import template

from miniconf import rendering

register = template.Library()

register.filter("markdown", rendering.render_markdown)
register.filter("plain_math", rendering.render_plain)
register.filter("math_inline", rendering.render_inline)
