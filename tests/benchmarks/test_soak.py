"""A soak's table says what held and what did not, and one thing that did not fails the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.growth import SERVER, Growth, ProcessUse, Sample
from benchmarks.machine import this_machine
from benchmarks.mixed_requests import Tally
from benchmarks.soak import Plan, Report, after_warm_up, markdown

HOUR = Plan(minutes=60.0, per_s=30.0, requests=0, render_every_s=30.0)

FLAT = Growth(
    role=SERVER, unit="MiB", begin=96.0, end=96.5, most=99.0, per_hour=0.5, grown=0.5, allowed=10.0
)

GOOD = Report(
    machine=this_machine(),
    plan=HOUR,
    minutes=61.0,
    sent=108_000,
    answers={"query": {"200": 36_000}, "odd": {"400": 3, "cut": 4}},
    unexpected=[],
    unexpected_count=0,
    videos=120,
    videos_failed=[],
    tasks=7000,
    lost=0,
    unended=0,
    growth=[FLAT],
    at_rest={"memory_mib": 96.2, "descriptors": 56, "threads": 8},
)


def test_what_is_flat_holds() -> None:
    assert GOOD.holds
    told = markdown(GOOD)
    assert "| server | MiB | 96.0 | 96.5 | 99.0 | +0.5 | +0.5 | 10.0 | held |" in told
    assert "| odd | cut 4, 400 3 |" in told
    assert told.endswith("**held**\n")


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, lost=1),
        replace(GOOD, unended=1),
        replace(GOOD, unexpected=["query: 500"], unexpected_count=1),
        replace(GOOD, videos_failed=["InternalError.Algo"]),
        replace(GOOD, growth=[FLAT, replace(FLAT, grown=10.1)]),
        replace(GOOD, growth=[]),
        replace(GOOD, videos=0),
    ],
)
def test_one_thing_that_does_not_hold_is_enough(bad: Report) -> None:
    assert not bad.holds
    assert markdown(bad).endswith("**missed**\n")


def test_without_renders_none_have_to_be_made() -> None:
    plan = replace(HOUR, requests=100_000, render_every_s=0.0)
    assert replace(GOOD, plan=plan, videos=0).holds


def test_the_beginning_does_not_count() -> None:
    own = (ProcessUse(1, SERVER, 90.0, 60, 8),)
    samples = [Sample(60.0 * minute, 1800 * minute, own) for minute in range(61)]
    assert after_warm_up(samples, HOUR)[0].at_s == 360.0
    by_requests = replace(HOUR, requests=100_000)
    assert after_warm_up(samples, by_requests)[0].requests == 10_800


def test_answers_that_no_request_of_a_kind_may_have_are_counted() -> None:
    tally = Tally()
    tally.add("query", "200", frozenset({"200"}))
    tally.add("query", "500", frozenset({"200"}))
    assert (tally.sent, tally.unexpected_count, tally.unexpected) == (2, 1, ["query: 500"])
