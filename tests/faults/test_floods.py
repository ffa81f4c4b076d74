"""Clients that send without end, follow without end, keep places: what others notice of it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.faults.world import Ledger
from tests.live import Live, serving

FLOOD_MIB = 60

MOST_MIB = 32
"""By which memory may grow in a flood that holds nothing the server is to keep."""

FLOODS = {
    "trailers after a 401": (
        b"POST /api/v1/tasks/x/cancel HTTP/1.1\r\nHost: h\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X:b\r\n",
    ),
    "one endless trailer": (
        b"POST /uploads HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"x",
    ),
    "one endless chunk extension": (
        b"POST /uploads HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"x",
    ),
    "requests behind a request": (b"", b"GET /docs HTTP/1.1\r\nHost: h\r\n\r\n"),
    "one endless header": (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"x"),
}


def memory_mib(server: Live, kind: str = "VmRSS") -> float:
    """Resident memory of the server's own process; VmHWM is the most it ever was."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(kind)]
    return int(line.split()[1]) / 1024


def flood(server: Live, begin: bytes, more: bytes) -> None:
    """Send, reading nothing, until the server ends it or all is sent."""
    address = httpx.URL(server.url)
    piece = more * ((1 << 20) // len(more))
    with contextlib.suppress(OSError), socket.create_connection((address.host, address.port)) as s:
        s.settimeout(5.0)
        s.sendall(begin)
        for _ in range(FLOOD_MIB):
            s.sendall(piece)


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_without_a_key_takes_no_memory(tmp_path: Path, ledger: Ledger, kind: str) -> None:
    with serving(tmp_path) as server:
        for _ in range(20):
            httpx.get(f"{server.url}/docs")
        before_mib = memory_mib(server)
        floods = [threading.Thread(target=flood, args=(server, *FLOODS[kind])) for _ in range(4)]
        for thread in floods:
            thread.start()
        slowest_s = 0.0
        while any(thread.is_alive() for thread in floods):
            begun = time.perf_counter()
            assert httpx.get(f"{server.url}/healthz", timeout=20.0).status_code == 200
            slowest_s = max(slowest_s, time.perf_counter() - begun)
        grown_mib = memory_mib(server, "VmHWM") - before_mib
    ledger.add(
        f"flood: {kind}, 4 times {FLOOD_MIB} MiB",
        4,
        0,
        f"memory {before_mib:.0f} MiB, at most {grown_mib:+.0f}; others waited {slowest_s:.2f} s",
    )
    assert grown_mib < MOST_MIB
    assert slowest_s < 2.0
