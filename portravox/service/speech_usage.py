"""How much each key had spoken in the last 24 hours, as far as its limit needs it.

Flow      routes.videos, routes.live -> SpeechUsage -> TaskQueue.spoken_characters

The table is asked once a minute for each key and not with every text: it has to look at all tasks
of a day. What is submitted meanwhile is added here, so several servers on one table may be a
minute's texts of each other apart. Texts of live sessions are in no table: each server counts its
own, by the hour, for as long as it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from portravox.service.limits import VIDEO_WINDOW_S, Limits
from portravox.service.tasks.queue import TaskQueue

ASK_S = 60.0
"""Our choice."""

_HOUR_S = 3600.0


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
        self._live: dict[str, dict[int, int]] = {}
        """Key -> hour -> characters."""

    async def take(
        self, characters: int, *, key_id: str, key_group: str, limits: Limits, is_live: bool = False
    ) -> None:
        """Count a text that is about to be submitted. Raises SpeechLimitReached, and then it was
        not counted.

        is_live  whether it will be no task
        """
        if limits.spoken_characters_per_day is None:
            return
        known = self._known.get(key_id)
        if known is None or self._clock() - known.asked_at > ASK_S:
            since = self._queue.now() - VIDEO_WINDOW_S
            spoken = await self._queue.spoken_characters(
                key_id=key_id, key_group=key_group, since=since
            )
            known = self._known[key_id] = _Known(spoken, self._clock())
        hour = int(self._clock() // _HOUR_S)
        first = hour - int(VIDEO_WINDOW_S // _HOUR_S)
        live = {at: said for at, said in self._live.get(key_id, {}).items() if at >= first}
        limits.require_speech_left(known.characters + sum(live.values()), characters)
        if is_live:
            live[hour] = live.get(hour, 0) + characters
        else:
            known.characters += characters
        self._live[key_id] = live

    def give_back(self, characters: int, *, key_id: str) -> None:
        """It was not submitted after all."""
        known = self._known.get(key_id)
        if known is not None:
            known.characters = max(0, known.characters - characters)
