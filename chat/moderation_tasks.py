"""Upkeep of the conversation."""

from celery import shared_task

from . import privacy


@shared_task
def apply_retention() -> None:
    privacy.apply_retention()
