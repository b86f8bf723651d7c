"""Which files are collected to be served."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class CollectedFilesConfig(StaticFilesConfig):
    """django.contrib.staticfiles without htmx's extensions: unused here, and their imports name a bundler's packages."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx/ext/*"]  # noqa: RUF012  as the base class has it
