"""Upkeep of accounts."""

from celery import shared_task

from papers.models import Conference

from . import services


@shared_task
def forget_unused_accounts() -> None:
    """Only where people make accounts themselves: elsewhere an unused one is an invitation."""
    if Conference.current().open_registration:
        services.forget_unused_accounts()
