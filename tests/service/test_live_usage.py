"""Seconds of live sessions: counted by key, for a day, across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from portravox.service.live_usage import LiveUsage

HOUR_S = 3600.0


def test_each_key_has_its_own_and_a_day_later_none(tmp_path: Path) -> None:
    now = 100 * HOUR_S
    usage = LiveUsage(tmp_path / "live.json", clock=lambda: now)
    usage.add("1", 10.0)
    usage.add("2", 1.0)
    now += HOUR_S
    usage.add("1", 5.0)
    assert (usage.used_s("1"), usage.used_s("2"), usage.used_s("3")) == (15.0, 1.0, 0.0)
    now += 23 * HOUR_S
    assert (usage.used_s("1"), usage.used_s("2")) == (5.0, 0.0)
    now += HOUR_S
    assert usage.used_s("1") == 0.0 and usage.snapshot() == b"{}"


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "live.json"
    usage = LiveUsage(path)
    usage.add("1", 10.0)
    usage.write(usage.snapshot())
    assert LiveUsage(path).used_s("1") == 10.0


@pytest.mark.parametrize("damaged", [b"", b"[]", b'{"1": 7}', b'{"1": {"x": 7}}', b"\xff"])
def test_a_damaged_file_counts_as_none_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    path = tmp_path / "live.json"
    path.write_bytes(damaged)
    usage = LiveUsage(path)
    assert usage.used_s("1") == 0.0
    assert "live.json" in caplog.text
