"""A line that loses and delays packets: a relay of UDP on this machine, in a thread of its own.

For connections of WebRTC, whose server calls nobody: an answer that names the relay's port brings
both directions over it.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
import select
import socket
import threading
import time

CANDIDATE = re.compile(r"(a=candidate:\S+ \d+ udp \d+ 127\.0\.0\.1 )(\d+)( typ host)", re.I)


class LossyRelay:
    """Between whoever sends to `port` and a port of the server."""

    def __init__(self, seed: int = 0) -> None:
        self.loss = 0.0
        """Share of the packets that get lost, both ways."""

        self.every: int | None = None
        """One packet in so many towards the server gets lost, and never two that follow."""

        self.jitter_s = 0.0
        """A packet takes between nothing and this longer, whatever the others take."""

        self.largest: int | None = None
        """Packets with more bytes get lost: those of whole pictures have."""

        self.passed = self.lost = self._towards_server = 0
        self._chance = random.Random(seed)
        self._front = _socket()
        self._front.bind(("127.0.0.1", 0))
        self._server = ("127.0.0.1", 0)
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self._clients: dict[socket.socket, tuple[str, int]] = {}
        self._late: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._front.getsockname()[1]
        return port

    def through(self, answer: str) -> str:
        """An answer whose only way leads over this relay."""
        found = CANDIDATE.search(answer)
        assert found, answer
        self._server = ("127.0.0.1", int(found[2]))
        return CANDIDATE.sub(rf"\g<1>{self.port}\g<3>", answer)

    def close(self) -> None:
        self._over.set()
        self._thread.join(5.0)
        for end in (self._front, *self._clients):
            end.close()

    def __enter__(self) -> LossyRelay:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._over.is_set():
            wait_s = 0.02
            if self._late:
                wait_s = min(wait_s, max(0.0, self._late[0][0] - time.monotonic()))
            readable, _, _ = select.select([self._front, *self._clients], [], [], wait_s)
            for end in readable:
                self._take(end)
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, end, data, to = heapq.heappop(self._late)
                _send(end, data, to)

    def _take(self, end: socket.socket) -> None:
        try:
            data, sender = end.recvfrom(65_536)
        except OSError:
            return
        if end is self._front:
            if sender not in self._backs:
                back = _socket()
                back.bind(("127.0.0.1", 0))
                self._backs[sender], self._clients[back] = back, sender
            onward, to = self._backs[sender], self._server
            self._towards_server += 1
        else:
            onward, to = self._front, self._clients[end]
        is_large = self.largest is not None and len(data) > self.largest
        is_next = end is self._front and self.every and self._towards_server % self.every == 0
        if is_large or is_next or self._chance.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        at = time.monotonic() + self._chance.uniform(0.0, self.jitter_s)
        heapq.heappush(self._late, (at, next(self._numbers), onward, data, to))


def _socket() -> socket.socket:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.setblocking(False)
    return end


def _send(end: socket.socket, data: bytes, to: tuple[str, int]) -> None:
    try:
        end.sendto(data, to)
    except OSError:
        return  # as on a line that is full
