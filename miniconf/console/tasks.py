"""Numbers become rows."""

from __future__ import annotations

from celery import shared_task

from .counting import roll_up


@shared_task(name="miniconf.console.tasks.keep_numbers", ignore_result=True)
def keep_numbers() -> None:
    roll_up()
