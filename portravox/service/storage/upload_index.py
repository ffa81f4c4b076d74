"""How many uploads each account has, and how large they are, without reading the folder each time.

Flow      storage.uploads -> storage.upload_index -> Storage.entries, once and at each sweep

Kept in memory and made anew from the storage, which is the only truth; of a storage that cannot be
listed, each server counts what it took itself since it started. Uploads that arrive are counted
from the moment that they may, so that those that come together count against each other.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portravox.service.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Kept:
    """Uploads that are there, or arriving."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: Kept) -> Kept:
        return Kept(self.files + other.files, self.size_bytes + other.size_bytes)

    def __sub__(self, other: Kept) -> Kept:
        return Kept(self.files - other.files, self.size_bytes - other.size_bytes)


NOTHING = Kept()

Check = Callable[[Kept, Kept], None]
"""what the account has, what all have, both with the new one -> None, or raises"""


class UploadIndex:
    """Sums over the uploads in a storage. Threads may share it."""

    def __init__(
        self,
        storage: Storage,
        account_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """account_of: whose a stored name is."""
        self._storage = storage
        self._account_of = account_of
        self._clock = clock
        self._taken: list[tuple[float, str, Kept]] = []
        """When, whose and what, in order; of a storage that cannot be listed."""
        self._lock = threading.Lock()
        self._stored: dict[str, Kept] | None = None
        self._arriving: dict[str, Kept] = {}

    @contextlib.contextmanager
    def adding(self, account: str, size_bytes: int, check: Check) -> Iterator[None]:
        """Count an upload while it is stored in the block, and afterwards if the block ends well.

        Raises what `check` raises, and then nothing is counted.
        """
        new = Kept(1, size_bytes)
        with self._lock:
            stored = self._loaded()
            everyone = sum((*stored.values(), *self._arriving.values()), start=new)
            own = stored.get(account, NOTHING) + self._arriving.get(account, NOTHING) + new
            check(own, everyone)
            self._arriving[account] = self._arriving.get(account, NOTHING) + new
        kept = False
        try:
            yield
            kept = True
        finally:
            with self._lock:
                left = self._arriving[account] - new
                if left == NOTHING:
                    del self._arriving[account]
                else:
                    self._arriving[account] = left
                if kept and not self._storage.can_list:
                    self._taken.append((self._clock(), account, new))
                if kept and self._stored is not None:
                    self._stored[account] = self._stored.get(account, NOTHING) + new

    def count_anew(self, expired: float) -> None:
        """Read the storage again at the next upload: something was removed.

        expired   what was stored before is gone
        """
        with self._lock:
            self._taken = [taken for taken in self._taken if taken[0] >= expired]
            self._stored = None

    def _loaded(self) -> dict[str, Kept]:
        if self._stored is None:
            stored: dict[str, Kept] = {}
            for entry in self._storage.entries():
                account = self._account_of(entry.name)
                stored[account] = stored.get(account, NOTHING) + Kept(1, entry.size_bytes)
            for _, account, kept in self._taken:
                stored[account] = stored.get(account, NOTHING) + kept
            self._stored = stored
        return self._stored
