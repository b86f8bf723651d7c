"""Work that goes on when the organizer has left the page."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from . import archives, retention, thanking


@shared_task(name="miniconf.closing.tasks.make_archive", ignore_result=True)
def make_archive(pk: str) -> None:
    archives.make(UUID(pk))


@shared_task(name="miniconf.closing.tasks.look_after_archives", ignore_result=True)
def look_after_archives() -> None:
    archives.give_up_lost()


@shared_task(name="miniconf.closing.tasks.send_thanks", ignore_result=True)
def send_thanks() -> None:
    if thanking.send_due():
        send_thanks.delay()


@shared_task(name="miniconf.closing.tasks.apply_retention", ignore_result=True)
def apply_retention() -> None:
    retention.apply()
