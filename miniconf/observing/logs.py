"""Log lines for people, or for machines as one JSON object a line (LOG_FORMAT=json); both name request and run."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from .context import request_id, run_id


class AddContext(logging.Filter):
    """Puts the present request and run into each record; `%(context)s` is both as text, or nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        names = {"request": request_id(), "run": run_id()}
        known = [f"{name} {value}" for name, value in names.items() if value]
        context = f" [{', '.join(known)}]" if known else ""
        record.__dict__ |= {"request_id": names["request"], "run_id": names["run"], "context": context}
        return True


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "message", "request", "run", "error"}`, without what is empty."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": getattr(record, "request_id", ""),
            "run": getattr(record, "run_id", ""),
            "process": record.process,
            "error": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in fields.items() if value}, ensure_ascii=False)
