"""Ways to write the programme out."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

SCHEDULES = Path(__file__).resolve().parents[4] / "shared" / "data" / "schedules"


def exported(exporter: Any, *, private: bool = False) -> bytes:
    stream = io.BytesIO()
    exporter.write(stream, private=private)
    return stream.getvalue()


def moment(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2027, 5, day, hour, minute, tzinfo=dt.UTC)
