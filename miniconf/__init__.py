"""miniconf: a virtual conference in which every paper has a page, and the paper's model runs on it."""

from .celery import app as celery_app

__all__ = ["celery_app"]
