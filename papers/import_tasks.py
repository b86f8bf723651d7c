"""The worker's part of an import."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.core.cache import cache
from django.utils.timezone import now

from . import import_undo, imports, uploads
from .models import Import
from .only_one import only_one

MOST_TRIES = 3  # an import whose worker died is begun again; one that kills its workers is given up
_AT_WORK: dict[imports.Step, tuple[Import.State, ...]] = {
    "read": (Import.State.WAITING, Import.State.READING),
    "apply": (Import.State.APPLYING,),
    "undo": (Import.State.UNDOING,),
}


@shared_task
def run_import(record_id: str, step: imports.Step) -> None:
    """Read, apply or take back an import. What a worker that died had begun was one transaction: nothing is left of it."""
    with only_one(f"import:{record_id}") as mine:
        record = Import.objects.filter(pk=record_id, state__in=_AT_WORK[step]).first() if mine else None
        if record is None:
            return
        tries = f"import-tries:{record_id}:{step}"
        cache.add(tries, 0, 24 * 3600)
        if cache.incr(tries) > MOST_TRIES:
            give_up(record, step)
        elif step == "undo":
            import_undo.run(record)
        else:
            imports.run(record, step)
        cache.delete(tries)


def give_up(record: Import, step: imports.Step) -> None:
    said = f"its worker died {MOST_TRIES} times: is there enough memory?"
    if step == "undo":
        import_undo.not_undone(record, said)
    else:
        imports.refuse(record, said)


@shared_task
def resume_imports() -> int:
    """Have imports begun again whose worker died; one that is at work is left alone. Returns how many were asked for."""
    count = 0
    for step, states in _AT_WORK.items():
        for record in Import.objects.filter(state__in=states).order_by("created_at")[:20]:
            run_import.delay(str(record.pk), step)
            count += 1
    return count


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
