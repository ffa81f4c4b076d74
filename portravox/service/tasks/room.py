"""Whether the queue has room for one more task: of all keys together, and of one key.

Flow      TaskQueue.submit -> tasks.room
Reads     what all keys and one key hold, the queue's caps, the key's limits
Gives     nothing, or raises

A task takes room while it waits and as long as it is remembered afterwards, so each is counted:
else a client that submits and cancels would fill the disk with tasks that no limit sees.

One key must not shut the others out. With a share of 1/2 a key may hold half of what the others
leave: one busy key holds 1/2 of the queue, two hold 1/3 each, n hold 1/(n+1), and as much again
stays free for the next one. Source: Choudhury & Hahne, "Dynamic queue length thresholds for
shared-memory packet switches", IEEE/ACM Trans. Networking 6(2), 1998, with a factor of 1; that it
suits tasks as well as packets is our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from portravox.service.errors import QueueFull, TaskTooLarge
from portravox.service.tasks.task import KeyLimits

MAX_PENDING = 100_000
"""Tasks that may wait, of all keys together. Our choice: at a minute each they take 70 days."""

MIN_CANCELED = 1_000
"""Cancelled tasks that are remembered at least, however short the queue is. Our choice."""

MAX_ENDED = 1_000_000
"""Ended tasks that may be remembered. Our choice: forty two-core machines end fewer in the day that
they are remembered (1,000 videos of 10 s an hour each)."""

MAX_TEXT_BYTES = 1 << 30
"""What clients wrote into all tasks, waiting and ended ones. Our choice: MAX_ENDED tasks with two
signed links of 400 characters each fit in."""

MAX_TASK_BYTES = 64 * 1024
"""What clients may write into one task: as much as the body of a request. Two addresses of the
longest that can be fetched take a quarter of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much a queue holds, of all keys together."""

    pending: int = MAX_PENDING
    ended: int = MAX_ENDED
    text_bytes: int = MAX_TEXT_BYTES
    canceled: int = max(MAX_PENDING, MIN_CANCELED)
    """Cancelled tasks among the ended ones: as many as may wait, since each of them has waited and
    needed no render."""

    @classmethod
    def for_queue_of(cls, max_pending: int) -> Caps:
        """What goes with so many tasks that may wait."""
        return cls(pending=max_pending, canceled=max(max_pending, MIN_CANCELED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one key, or all of them, have in the queue."""

    pending: int
    canceled: int
    ended: int
    """Cancelled ones included."""

    text_bytes: int

    def with_one_more(self, text_bytes: int) -> Held:
        """The same, and a task that waits."""
        return Held(
            pending=self.pending + 1,
            canceled=self.canceled,
            ended=self.ended,
            text_bytes=self.text_bytes + text_bytes,
        )


def require_room(
    text_bytes: int, *, own: Held, everyone: Held, caps: Caps, limits: KeyLimits
) -> None:
    """Raise QueueFull or TaskTooLarge where a task with so much text may not be added."""
    if text_bytes > MAX_TASK_BYTES:
        raise TaskTooLarge(text_bytes, MAX_TASK_BYTES)
    if limits.max_pending is not None and own.pending >= limits.max_pending:
        raise QueueFull(limits.max_pending)
    for what, more, mine, held, cap in (
        ("tasks wait", 1, own.pending, everyone.pending, caps.pending),
        ("cancelled tasks are remembered", 1, own.canceled, everyone.canceled, caps.canceled),
        ("ended tasks are remembered", 1, own.ended, everyone.ended, caps.ended),
        (
            "bytes of tasks are kept",
            text_bytes,
            own.text_bytes,
            everyone.text_bytes,
            caps.text_bytes,
        ),
    ):
        if held + more > cap:
            raise QueueFull(cap, what)
        # A key that has nothing is never refused for its share: half of one place is none.
        share = limits.share * (cap - (held - mine))
        if mine > 0 and mine + more > share:
            raise QueueFull(int(share), f"{what} for this key")
