"""Shares for each key: no key has all of what there is little of, and those that wait take turns.

Flow      detector, loop -> FairTurns.turn -> a worker process ; detector -> Shares.enter

A key stands for an API key, or for a client's address where there are no keys.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class FairTurns:
    """So many turns at the same time, so many of them one key's; the others wait.

    The next turn is that of the key with the fewest turns under way and, of these, of the one that
    waited longest since it got one: a key that waits a thousand times delays the first turn of
    another by one. Within a key, first come, first served. Belongs to one event loop.
    """

    def __init__(self, at_once: int, *, per_key: int | None = None) -> None:
        """per_key: None for as many as there are"""
        self._at_once = at_once
        self._per_key = at_once if per_key is None else per_key
        self._under_way: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._turns_given = 0
        self._latest: dict[str, int] = {}
        """Which turn was a key's latest, of keys that wait or have one."""

    @property
    def under_way(self) -> int:
        """Turns that have begun and not ended."""
        return self._under_way.total()

    @property
    def waiting(self) -> int:
        """Turns that have not begun."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends."""
        await self._begin(key)
        try:
            yield
        finally:
            self._end(key)

    async def _begin(self, key: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        self._give_turns()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._end(key)  # it came at the moment when nobody wanted it any more
            else:
                self._leave(key, turn)
            raise

    def _leave(self, key: str, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(key)
        if waiting is not None and turn in waiting:
            waiting.remove(turn)
            if not waiting:
                del self._waiting[key]
                self._forget(key)

    def _end(self, key: str) -> None:
        self._under_way[key] -= 1
        if self._under_way[key] == 0:
            del self._under_way[key]
            self._forget(key)
        self._give_turns()

    def _forget(self, key: str) -> None:
        """Do not remember every key that ever came."""
        if key not in self._waiting and key not in self._under_way:
            self._latest.pop(key, None)

    def _give_turns(self) -> None:
        while self.under_way < self._at_once:
            may_begin = [key for key in self._waiting if self._under_way[key] < self._per_key]
            if not may_begin:
                return
            key = min(may_begin, key=lambda key: (self._under_way[key], self._latest.get(key, 0)))
            turn = self._waiting[key].popleft()
            if not self._waiting[key]:
                del self._waiting[key]
            if not turn.done():  # who waited may just have been cancelled
                self._under_way[key] += 1
                self._turns_given += 1
                self._latest[key] = self._turns_given
                turn.set_result(None)


class Shares:
    """So many at the same time, so many of them one key's; what is more is refused."""

    def __init__(self, at_once: int, *, per_key: int) -> None:
        self._at_once = at_once
        self._per_key = per_key
        self._inside: Counter[str] = Counter()

    @contextmanager
    def enter(self, key: str) -> Iterator[bool]:
        """Gives whether there is room; if so, it is taken until the block ends."""
        if self._inside.total() >= self._at_once or self._inside[key] >= self._per_key:
            yield False
            return
        self._inside[key] += 1
        try:
            yield True
        finally:
            self._inside[key] -= 1
            if self._inside[key] == 0:
                del self._inside[key]
