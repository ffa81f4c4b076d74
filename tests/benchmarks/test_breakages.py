"""What the breakages are judged by: a verdict that cannot be no is none."""

from __future__ import annotations

import copy

import pytest

pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")
pytest.importorskip("procrastinate", reason="the extra `cluster` is not installed")

from benchmarks.cluster.breakages import STEPS, verdicts

GOOD = {
    "official_package": {"said": ["['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']"]},
    "studio": {"said": "Your video is ready"},
    "workers_killed": {
        "by_step": dict.fromkeys(STEPS, 20),
        "noticed_s": {"median": 6.0, "most": 8.0},
        "back_to_work_s": {"median": 7.0, "most": 12.0},
        "nobody_went_on": 0,
    },
    "database_restarted": {"restarts": 10, "back_to_work_s": {"median": 1.0, "most": 3.0}},
    "upgraded": {"tables": ["0006", "0007"]},
    "in_the_end": {
        "lost": 0,
        "not_ended": 0,
        "states": {"SUCCEEDED": 9},
        "does_not_play": 0,
        "published_by_another_attempt": 0,
        "requests_that_failed": [],
        "failures_before_another_try": {"503": 4},
    },
}
BAD = [
    ("official_package", "said", ["['SUCCEEDED', 'FAILED', 'SUCCEEDED']"]),
    ("studio", "said", "That did not work"),
    ("studio", "failed", "TimeoutError"),
    ("workers_killed", "by_step", dict.fromkeys(STEPS[1:], 20)),
    ("workers_killed", "noticed_s", {"median": 6.0, "most": 10.1}),
    ("workers_killed", "back_to_work_s", {"median": 6.0, "most": 15.1}),
    ("workers_killed", "nobody_went_on", 1),
    ("database_restarted", "back_to_work_s", {"median": 1.0, "most": 15.1}),
    ("upgraded", "tables", ["0007", "0007"]),
    ("in_the_end", "lost", 1),
    ("in_the_end", "not_ended", 1),
    ("in_the_end", "states", {"SUCCEEDED": 8, "FAILED": 1}),
    ("in_the_end", "does_not_play", 1),
    ("in_the_end", "published_by_another_attempt", 1),
    ("in_the_end", "requests_that_failed", ["GET /api/v1/tasks/1: 503"]),
    ("in_the_end", "failures_before_another_try", {"503 without a time": 1}),
]


def test_what_went_well_has_good_verdicts():
    assert set(verdicts(GOOD, rounds=20).values()) == {True}


@pytest.mark.parametrize(("part", "name", "value"), BAD)
def test_each_failure_turns_one_verdict(part, name, value):
    found = copy.deepcopy(GOOD)
    found[part][name] = value
    told = verdicts(found, rounds=20)
    assert list(told.values()).count(False) == 1
