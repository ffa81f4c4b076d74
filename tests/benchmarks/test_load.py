"""The tables of `make load` say what was measured, and what of it was missed."""

from __future__ import annotations

import pytest

from benchmarks.load import Load, Report, markdown, verdict
from benchmarks.machine import this_machine
from benchmarks.queue import calls

SECOND = Load(
    requests=1300,
    wall_s=2.0,
    refused=3,
    broken=1,
    median_ms=20.0,
    p99_ms=90.0,
    slowest_ms=200.0,
)


def test_a_load_is_held_against_both_of_its_targets() -> None:
    assert SECOND.per_s == 650.0
    assert verdict("submit", SECOND.p99_ms, SECOND.per_s) == "≥ 600 a second: met, ≤ 100: met"
    assert verdict("query", SECOND.p99_ms, SECOND.per_s) == "≥ 1500 a second: missed, ≤ 60: missed"


def test_the_tables_tell_refused_and_broken_answers_and_a_slowed_render() -> None:
    report = Report(
        machine=this_machine(),
        waiting=1000,
        disk=calls("disk", [0.001] * 10, 0.01),
        claim=calls("claim", [0.030] * 10, 0.3),
        ready_new_s=[1.0, 4.0, 5.0],
        ready_full_s=[1.0, 1.0, 2.0],
        loads={"submit": SECOND, "query": SECOND, "mixed, beside a render": SECOND},
        accepted=1297,
        kept=1297,
        frame_rates={"quiet": [0.10, 0.10], "loaded": [0.07, 0.07]},
        sample_job_s=[2.0],
    )
    assert report.slowed == pytest.approx(0.3)
    tables = markdown(report)
    assert "| submit | 1300 | 650 | 20.0 | 90.0 | 200 | 3 | 1 |" in tables
    assert "| claim with 1000 waiting, 99 % below, ms | 30.0 | 10 | ≤ 20: missed |" in tables
    assert "| `serve` ready in a new folder, s | 4.00 | 3: 1.00 to 5.00 | ≤ 3: missed |" in tables
    assert "| render slowed by the mixed load | 30% | 3 spells each | ≤ 0.2: missed |" in tables
