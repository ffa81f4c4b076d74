"""Whatever a worker process says, it is an event or a ProtocolViolation."""

from __future__ import annotations

import time
from typing import get_args

from portravox.service.worker.messages import Event, ProtocolViolation, decode_event, encode
from tests.fuzz.conftest import Tally
from tests.fuzz.mutations import event_line

LINES_PER_BODY = 2
"""A line takes a fraction of what a request takes."""


def test_a_line_is_an_event_or_a_violation(bodies: int, tally: Tally) -> None:
    count = LINES_PER_BODY * bodies
    for number in range(count):
        line = event_line(number)
        began = time.perf_counter()
        try:
            event = decode_event(line)
        except ProtocolViolation:
            tally.add("worker's lines", "violation", time.perf_counter() - began)
            continue
        except Exception as error:
            raise AssertionError(f"line {number}: {line[:300]!r}") from error
        tally.add("worker's lines", event.kind, time.perf_counter() - began)
        assert decode_event(encode(event)) == event, f"line {number}: {line[:300]!r}"
    counts = tally.counts["worker's lines"]
    assert counts.total() == count
    assert counts["violation"] > count // 4
    for kind in get_args(Event):
        assert counts[kind.kind] > count // 100, "each kind must be said as it should be, too"
