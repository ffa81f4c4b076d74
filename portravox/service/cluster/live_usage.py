"""How long each key held live sessions in the last 24 hours, on all machines together.

Flow      service.live -> SharedLiveUsage -> live_seconds ; live_seconds -> what others counted

What `LiveUsage` is for one machine. Seconds are counted here and exchanged with the table once a
minute, and when a session begins or ends: two machines may be a minute of each other's sessions
apart.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict

from portravox.service.database.database import Database
from portravox.service.errors import QueueUnavailable
from portravox.service.live_usage import WINDOW_HOURS

_HOUR_S = 3600

_ADD = """
INSERT INTO live_seconds AS l (key_id, hour, seconds) VALUES (%(key_id)s, %(hour)s, %(seconds)s)
ON CONFLICT (key_id, hour) DO UPDATE SET seconds = l.seconds + excluded.seconds
"""

_FORGET = "DELETE FROM live_seconds WHERE hour <= %(last)s"

_TOTALS = "SELECT key_id, sum(seconds) AS seconds FROM live_seconds GROUP BY key_id"

_log = logging.getLogger("portravox.live")


class SharedLiveUsage:
    """Seconds by key. `write` and `refresh` may be called from other threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: dict[str, float] = {}
        """As the table had them last."""

        self._unwritten: defaultdict[str, float] = defaultdict(float)
        self._exchanging = threading.Lock()

    def add(self, key_id: str, seconds: float) -> None:
        """Count so many more, now."""
        with self._lock:
            self._unwritten[key_id] += seconds

    def used_s(self, key_id: str) -> float:
        """Of the last 24 hours, as far as it is known here."""
        with self._lock:
            return self._known.get(key_id, 0.0) + self._unwritten.get(key_id, 0.0)

    def snapshot(self) -> bytes:
        """Nothing: what is to be written is known to `write`."""
        return b""

    def write(self, snapshot: bytes) -> None:
        """Put what was counted here into the table and take what others counted; where that cannot
        be, the log says so, and the next time may do it."""
        del snapshot
        with self._exchanging:
            with self._lock:
                counted = dict(self._unwritten)
            try:
                totals = self._exchanged(counted)
            except QueueUnavailable as error:
                _log.warning("seconds of live sessions are not shared: %s", error)
                return
            with self._lock:
                for key_id, seconds in counted.items():
                    self._unwritten[key_id] -= seconds
                self._known = totals

    def refresh(self) -> None:
        """The same, for who is about to ask."""
        self.write(b"")

    def _exchanged(self, counted: dict[str, float]) -> dict[str, float]:
        """What each key has used once this is in the table. Raises QueueUnavailable."""
        hour = int(self._database.now() // _HOUR_S)
        with self._database.connect() as db, db.transaction():
            for key_id, seconds in sorted(counted.items()):
                if seconds > 0.0:
                    db.execute(_ADD, {"key_id": key_id, "hour": hour, "seconds": seconds})
            db.execute(_FORGET, {"last": hour - WINDOW_HOURS})
            return {row["key_id"]: row["seconds"] for row in db.execute(_TOTALS).fetchall()}
