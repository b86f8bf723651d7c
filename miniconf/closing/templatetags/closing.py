"""`{% load closing %}{% rooms_closed as closed %}`: whether all rooms were closed at the end."""

from __future__ import annotations

from django import template

from miniconf.closing.rooms import were_closed

register = template.Library()


@register.simple_tag
def rooms_closed() -> bool:
    return were_closed()
