"""What chat has to say when the programme is imported."""

from __future__ import annotations

from papers.importers.extensions import keeps

from .models import Room


@keeps
def discussed(kind: str, keys: list[str]) -> set[str]:
    """Papers, events and the like in whose room somebody has written."""
    rooms = Room.objects.filter(key__in=[f"{kind}:{key}" for key in keys], last_number__gt=0)
    return {key.partition(":")[2] for key in rooms.values_list("key", flat=True)}
