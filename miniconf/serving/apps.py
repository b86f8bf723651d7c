"""Which files are collected to be served."""

from typing import ClassVar

from django.contrib.staticfiles.apps import StaticFilesConfig


class CollectedFilesConfig(StaticFilesConfig):
    """django.contrib.staticfiles without htmx's extensions: unused here, and their imports name a bundler's packages."""

    ignore_patterns: ClassVar[list[str]] = [*StaticFilesConfig.ignore_patterns, "django_htmx/ext/*"]
