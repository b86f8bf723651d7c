"""All rooms are closed at once, and opened again as they were: what moderators set for single rooms is not touched."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.people.record import record
from miniconf.serving.page_changes import forget_pages
from miniconf.serving.remembered import remembered

from .models import Closing

CLOSED = "The conference is over: its conversations can be read, and only moderators write."


def are_closed() -> bool:
    """As the database says it now."""
    return Closing.objects.filter(rooms_closed_at__isnull=False).exists()


def were_closed() -> bool:
    """The same for what pages show, from memory where changes are heard of."""
    return remembered("rooms closed", are_closed)


@transaction.atomic
def set_closed(closed: bool, *, by: User) -> bool:
    """Returns whether that was a change."""
    Closing.objects.get_or_create(pk=Closing.current().pk)
    row = Closing.objects.select_for_update().get(pk=Closing.current().pk)
    if (row.rooms_closed_at is not None) == closed:
        return False
    row.rooms_closed_at = now() if closed else None
    row.save(update_fields=["rooms_closed_at"])
    record(by, "closed all rooms" if closed else "opened the rooms again")
    transaction.on_commit(forget_pages)
    return True
