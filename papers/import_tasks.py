"""The worker's part of an import."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils.timezone import now

from . import imports, uploads
from .models import Import


@shared_task
def run_import(record_id: str, step: imports.Step) -> None:
    record = Import.objects.filter(pk=record_id).first()
    expected = Import.State.WAITING if step == "read" else Import.State.APPLYING
    if record is not None and record.state == expected:
        imports.run(record, step)


@shared_task
def forget_old_imports() -> int:
    """Give up imports nobody applied within two days; returns how many."""
    old = Import.objects.filter(
        created_at__lt=now() - timedelta(days=2), state__in=(Import.State.READY, Import.State.REFUSED)
    )
    count = 0
    for record in old[:200]:
        imports.discard(record)
        count += 1
    return count


@shared_task
def forget_unfinished_uploads() -> int:
    return uploads.forget_unfinished()
