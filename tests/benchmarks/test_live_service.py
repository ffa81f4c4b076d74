"""What the server's numbers are read by."""

from __future__ import annotations

from benchmarks.live_service import _number
from portravox.service.metrics import Metrics


def test_numbers_of_live_sessions_are_read_by_their_names() -> None:
    metrics = Metrics()
    metrics.live.frames.labels("true").inc(3)
    metrics.live.answer_s.observe(0.25)
    page = metrics.page({}).decode()
    assert _number(page, 'live_frames_total{late="true"}') == 3.0
    assert _number(page, 'live_frames_total{late="false"}') == 0.0
    assert _number(page, "live_answer_seconds_count") == 1.0
    assert _number(page, "live_answer_seconds_sum") == 0.25
