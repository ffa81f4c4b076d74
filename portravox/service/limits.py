"""What one API key may have: requests in a second, tasks at a time, video in a day.

Flow      keys, settings -> Limits -> routes (rates, video) and the queue (tasks)

All limits are off unless somebody sets them; the depth of the queue as a whole is the queue's own.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from typing import Protocol

from portravox.errors import SettingOutOfRange
from portravox.service.errors import RateReached, SpeechLimitReached, VideoLimitReached
from portravox.service.tasks.queue import KeyLimits

VIDEO_WINDOW_S = 24 * 3600
"""A day counts from now backwards, for which ended tasks are remembered as long as that."""


class Call(StrEnum):
    """What is counted, each by itself."""

    SUBMIT = "submit"
    DETECT = "detect"
    UPLOAD = "upload"
    LIVE = "live"
    POLL = "poll"
    """Query, list and cancel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one key, or of all keys that have none of their own. None is without limit."""

    requests_per_s: float | None = None
    """Of submissions, of detections and of upload credentials, each. DashScope: 5, 5 and 100."""

    polls_per_s: float | None = None
    """DashScope: 20. Its clients take a 429 while they wait for the final answer, so a low limit
    loses them finished videos."""

    max_pending: int | None = None
    max_running: int | None = None
    """DashScope: 1. Further tasks wait; they are not refused."""

    video_s_per_day: float | None = None
    """Seconds of finished video in the last 24 hours. A task is refused once they are spent; tasks
    accepted before are still done, so a key may pass this by what it had waiting."""

    spoken_characters_per_day: int | None = None
    """Characters of texts that were spoken, or will be, in the last 24 hours, each attempt counted:
    a speech provider wants money for them, whether or not a video comes of it."""

    live_sessions: int | None = None
    """Live sessions at a time."""

    live_s_per_day: float | None = None
    """Seconds of live sessions in the last 24 hours; one that runs ends when they are spent."""

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            # `not >` catches NaN, too.
            if value is not None and not value > 0:
                raise SettingOutOfRange(option.name, value, "more than 0, or nothing for no limit")

    def or_else(self, general: Limits) -> Limits:
        """These limits, and the general ones where there are none."""
        return _joined(self, general)

    def in_queue(self) -> KeyLimits:
        """The part that the queue keeps."""
        return KeyLimits(max_pending=self.max_pending, max_running=self.max_running)

    def per_s(self, call: Call) -> float | None:
        """How many such requests a second may bring."""
        return self.polls_per_s if call is Call.POLL else self.requests_per_s

    def require_video_left(self, rendered_s: float) -> None:
        """Raise VideoLimitReached if no more video may be made.

        rendered_s  seconds of video in the last VIDEO_WINDOW_S, from `TaskQueue.rendered_s`
        """
        if self.video_s_per_day is not None and rendered_s >= self.video_s_per_day:
            raise VideoLimitReached(rendered_s, self.video_s_per_day)

    def require_speech_left(self, spoken: int, more: int) -> None:
        """Raise SpeechLimitReached if a text of so many characters more may not be spoken."""
        most = self.spoken_characters_per_day
        if most is not None and spoken + more > most:
            raise SpeechLimitReached(spoken, more, most)


@cache  # asked with every request; there are no more pairs than keys and settings
def _joined(own: Limits, general: Limits) -> Limits:
    said = {option.name: getattr(own, option.name) for option in fields(own)}
    return replace(general, **{name: value for name, value in said.items() if value is not None})


class Rates(Protocol):
    """Counts requests: of this process, or of all machines."""

    def take(self, key_id: str, call: Call, limits: Limits) -> Awaitable[None] | None:
        """Count a request, at once or where what is given is awaited. Raises RateReached, and then
        it was not counted."""


class RateLimiter:
    """A bucket of tokens for every key and kind of call; each request takes one.

    A bucket holds what one second brings, and at least one token, so that a second's requests may
    come all at once: our choice. Kept in memory, since a restart takes longer than a bucket needs
    to fill. Belongs to one thread. Unknown keys never get here, so there are no more buckets than
    there are keys and kinds of call.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, Call], tuple[float, float]] = {}

    def take(self, key_id: str, call: Call, limits: Limits) -> None:
        """Count a request. Raises RateReached, and then it was not counted."""
        per_s = limits.per_s(call)
        if per_s is None:
            return
        now = self._clock()
        capacity = max(per_s, 1.0)
        tokens, filled_at = self._buckets.get((key_id, call), (capacity, now))
        tokens = min(tokens + (now - filled_at) * per_s, capacity)
        if tokens < 1.0:
            # Left as it was: many small steps of filling would add up rounding errors.
            raise RateReached(per_s)
        self._buckets[key_id, call] = (tokens - 1.0, now)
