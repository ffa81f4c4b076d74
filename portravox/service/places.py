"""Places that clients share: as many as there are, and no client may take them all.

Flow      connections, routes.tasks (streams of events), routes.uploads (files that arrive),
          routes.files (videos that are fetched) -> Places.hold

A holder may have half of what the others leave, at least one: one busy client holds half of all
places, two a third each, and as many stay free for whoever comes next. The same rule as that of the
queue, from the same source (`tasks.room`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv6Address, ip_address, ip_network

from portravox.service import problems
from portravox.service.problems import Refusal

SHARE = 0.5
"""Of what others leave, the most that one holder may have."""


def whose_address(host: str) -> str:
    """Who calls from an address, as far as it tells: of IPv6 one customer has 2**64 at least."""
    with suppress(ValueError):
        address = ip_address(host)
        if isinstance(address, IPv6Address):
            return str(ip_network((address, 64), strict=False))
    return host


class Places:
    """A number of places. Belongs to one event loop."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._held: dict[str, int] = {}
        self._held_by_all = 0

    def held(self, holder: str | None = None) -> int:
        """How many are taken: by one holder, or by all."""
        return self._held_by_all if holder is None else self._held.get(holder, 0)

    @contextmanager
    def hold(self, holder: str) -> Iterator[None]:
        """A place, as long as the block lasts. Raises Refusal where there is none for this one:
        who waits for it would only be cut as slow."""
        own = self.held(holder)
        others = self.held() - own
        if own + others >= self.total or own >= max(1, SHARE * (self.total - others)):
            raise Refusal(problems.CONCURRENCY)
        self._held[holder] = own + 1
        self._held_by_all += 1
        try:
            yield
        finally:
            self._held_by_all -= 1
            left = self._held[holder] - 1
            if left:
                self._held[holder] = left
            else:
                del self._held[holder]
