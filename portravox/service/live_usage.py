"""How long each key held live sessions in the last 24 hours, kept across restarts.

Flow      service.live -> LiveUsage -> live-seconds.json in the data folder

Counted by the hour and kept by this server alone; machines that share a database have
`cluster.live_usage`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from portravox.atomic_file import writing

WINDOW_HOURS = 24
"""Whole hours before the one that has begun."""

_HOUR_S = 3600

_log = logging.getLogger("portravox.live")


class KeepsLiveUsage(Protocol):
    """Seconds by key: of this process, or of all machines. `write` and `refresh` are called from
    other threads than the rest."""

    def add(self, key_id: str, seconds: float) -> None: ...

    def used_s(self, key_id: str) -> float: ...

    def snapshot(self) -> bytes: ...

    def write(self, snapshot: bytes) -> None: ...

    def refresh(self) -> None: ...


class LiveUsage:
    """Seconds by key. Belongs to one thread; `write` may be called from another."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """What stands in the file, if it is there and can be read."""
        self._path = path
        self._clock = clock
        self._by_key: dict[str, dict[int, float]] = {}
        try:
            self._by_key = _read(path)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError) as error:
            _log.warning("%s cannot be read, so counting begins anew: %s", path.name, error)

    def add(self, key_id: str, seconds: float) -> None:
        """Count so many more, now."""
        hour = self._hour()
        hours = self._by_key.setdefault(key_id, {})
        hours[hour] = hours.get(hour, 0.0) + seconds

    def used_s(self, key_id: str) -> float:
        """Of the last 24 hours."""
        self._forget()
        return sum(self._by_key.get(key_id, {}).values())

    def snapshot(self) -> bytes:
        """What is to be written."""
        self._forget()
        return json.dumps(self._by_key).encode()

    def write(self, snapshot: bytes) -> None:
        """Put it into the file; where that cannot be, the log says so."""
        try:
            with writing(self._path, durable=False) as stream:
                stream.write(snapshot)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path.name, error.strerror or error)

    def refresh(self) -> None:
        """Nobody else counts."""

    def _hour(self) -> int:
        return int(self._clock() // _HOUR_S)

    def _forget(self) -> None:
        first = self._hour() - WINDOW_HOURS
        for key_id in list(self._by_key):
            kept = {hour: s for hour, s in self._by_key[key_id].items() if hour > first}
            if kept:
                self._by_key[key_id] = kept
            else:
                del self._by_key[key_id]


def _read(path: Path) -> dict[str, dict[int, float]]:
    """Raises OSError, ValueError, TypeError, AttributeError where it is not what we write."""
    found = json.loads(path.read_bytes())
    return {
        str(key_id): {int(hour): float(seconds) for hour, seconds in hours.items()}
        for key_id, hours in found.items()
    }
