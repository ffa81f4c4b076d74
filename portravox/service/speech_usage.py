"""How much each key had spoken in the last 24 hours, as far as its limit needs it.

Flow      routes.videos -> SpeechUsage -> TaskQueue.spoken_characters

The table is asked once a minute for each key and not with every text: it has to look at all tasks
of a day. What is submitted meanwhile is added here, so several servers on one table may be a
minute's texts of each other apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from portravox.service.limits import VIDEO_WINDOW_S, Limits
from portravox.service.tasks.queue import TaskQueue

ASK_S = 60.0
"""Our choice."""


@dataclass(slots=True)
class _Known:
    characters: int
    asked_at: float


class SpeechUsage:
    """Characters by key. Belongs to one event loop."""

    def __init__(self, queue: TaskQueue, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue = queue
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def take(self, characters: int, *, key_id: str, key_group: str, limits: Limits) -> None:
        """Count a text that is about to be submitted. Raises SpeechLimitReached, and then it was
        not counted."""
        if limits.spoken_characters_per_day is None:
            return
        known = self._known.get(key_id)
        if known is None or self._clock() - known.asked_at > ASK_S:
            since = self._queue.now() - VIDEO_WINDOW_S
            spoken = await self._queue.spoken_characters(
                key_id=key_id, key_group=key_group, since=since
            )
            known = self._known[key_id] = _Known(spoken, self._clock())
        limits.require_speech_left(known.characters, characters)
        known.characters += characters

    def give_back(self, characters: int, *, key_id: str) -> None:
        """It was not submitted after all."""
        known = self._known.get(key_id)
        if known is not None:
            known.characters = max(0, known.characters - characters)
