"""What the server writes down: one line for each event, for people or for programs.

Flow      logging -> service.logs -> stderr

Lines carry request and task ids as fields. They never hold keys, bodies or whole URLs, since the
places that write them leave these out.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal

FIELDS = ("request_id", "task_id", "ms")
"""What a record may carry beside its message."""


class _Lines(logging.Formatter):
    """Readable: time, level, message, fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname.lower()} {record.getMessage()}{fields}"
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def write_logs(form: Literal["text", "json"]) -> None:
    """Send what is logged from now on to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else _Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # What no line shows need not be found out for each (Python's logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # It tells of every plugin it has.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    found = {name: getattr(record, name, None) for name in FIELDS}
    return {name: value for name, value in found.items() if value is not None}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
