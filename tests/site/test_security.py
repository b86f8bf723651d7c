"""Headers, templates and settings that keep strangers' code out of the pages."""

import re

import pytest
from django.conf import settings
from django.test import Client

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
DATA_SCRIPT = re.compile(r'<script[^>]*type="application/json"')
THIRD_PARTY = re.compile(r'<(?:script|link|img|iframe|source|video)[^>]*(?:src|href)="(?:https?:)?//', re.IGNORECASE)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_templates_have_no_inline_script_or_style_and_load_nothing_from_elsewhere(template):
    text = template.read_text(encoding="utf-8")
    inline = [found for found in INLINE.findall(text) if not DATA_SCRIPT.match(found)]
    assert inline == []
    assert THIRD_PARTY.findall(text) == []


@pytest.mark.django_db
def test_pages_come_with_a_strict_policy():
    answer = Client().get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == policy["style-src"] == policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
