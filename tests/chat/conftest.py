"""What tests of the conversation share."""

from __future__ import annotations

import pytest
import redis
from django.conf import settings


@pytest.fixture(autouse=True)
def nobody_has_written_yet() -> None:
    """Accounts of different tests have the same numbers; what one wrote must not count for the next."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    if keys := list(client.scan_iter("*limits*")):
        client.delete(*keys)
