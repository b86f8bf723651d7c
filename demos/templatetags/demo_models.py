"""Links to models' pages, and what is being done about a model that is not ready."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from demos.model_cards import address_of, shown_name
from demos.model_states import model_state
from demos.panels import living_workers

register = template.Library()


@register.simple_tag
def model_link(name: str) -> SafeString:
    """A model's name, leading to its page."""
    return format_html('<a href="{}">{}</a>', reverse("model", args=[address_of(name)]), shown_name(name))


@register.simple_tag
def model_doing(name: str) -> str:
    """What workers are doing about a model, in a sentence; nothing where that is nothing to tell."""
    state = model_state(name, living_workers())
    return state.sentence if state.state in ("loading", "failed") else ""
