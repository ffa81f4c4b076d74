"""The report about the studio, from figures that were made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.machine import Machine
from benchmarks.page.driving import find_browser
from benchmarks.page.report import markdown

MACHINE = Machine(
    processor="Abacus",
    cores=2,
    memory_gb=8.0,
    system="Linux",
    python="3.11",
    portravox="0.0",
    date="2026-01-01",
    load=0.0,
    parallel_gain=2.0,
)

OPENING = {
    "requests": 3,
    "wire_bytes": 61_500,
    "sample_bytes": 20_000,
    "first_paint_s": 0.2,
    "usable_s": 0.4,
}

WALK = {"clicks": 2, "scrolled_px": 0, "make_to_moving_s": 2.62, "make_to_finished_s": 7.5}

VISIT = {
    "usable_s": 1.0,
    "checked_s": 3.0,
    "preview_s": 4.0,
    "playing_s": 6.25,
    "violations": [],
}


def facts(**changes: Any) -> dict[str, Any]:
    openings = dict.fromkeys(("cold", "warm", "slow"), OPENING)
    visits = {"first_visit": VISIT, "second_visit": {**VISIT, "preview_s": None}}
    given = {"browser": "156.0.1", "violations": [], "walks": {"Firefox, 1280 px": WALK}}
    return {**given, **openings, **visits, **changes}


def test_times_weights_and_what_was_not_seen_are_told() -> None:
    told = markdown(MACHINE, facts())
    assert "| **the 5-s video plays** | 6.2 | 6.2 |" in told
    assert "| the first drawn frame | 4.0 | – |" in told
    assert "| for the first time | 3 | 62 | 20 | 0.20 | 0.40 |" in told
    assert "| Firefox, 1280 px | 2 | 0 | 2.6 | 7.5 |" in told
    assert "no violations" in told


def test_what_shuts_people_out_is_named() -> None:
    told = markdown(MACHINE, facts(violations=["filled: color-contrast"]))
    assert "filled: color-contrast" in told
    assert "no violations" not in told


def test_a_browser_that_is_named_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("chromium", "mine"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PORTRAVOX_BROWSER", raising=False)
    assert find_browser() == str(tmp_path / "chromium")
    monkeypatch.setenv("PORTRAVOX_BROWSER", "mine")
    assert find_browser() == str(tmp_path / "mine")
    monkeypatch.setenv("PORTRAVOX_BROWSER", "nowhere")
    assert find_browser() is None
