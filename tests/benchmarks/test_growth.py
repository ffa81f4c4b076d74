"""What grows is told from what rises and falls, and from what is replaced."""

from __future__ import annotations

import os
import random

import pytest

from benchmarks.growth import SERVER, ProcessUse, Sample, growth, processes_of, slope

HOUR_S = 3600.0


def samples(server_mib: list[float], workers: list[ProcessUse] | None = None) -> list[Sample]:
    """An hour's, evenly apart, with one worker process beside the server at each."""
    step_s = HOUR_S / (len(server_mib) - 1)
    return [
        Sample(
            number * step_s,
            number,
            (
                ProcessUse(1, SERVER, held, 60, 8),
                *(workers[number : number + 1] if workers else ()),
            ),
        )
        for number, held in enumerate(server_mib)
    ]


def test_the_slope_of_a_line_is_its_slope_however_high_a_few_points_are() -> None:
    at = [float(number) for number in range(101)]
    line = [3.0 + 0.5 * x for x in at]
    line[40] = line[90] = 1e6
    assert slope(at, line) == pytest.approx(0.5)
    assert slope(at[:1], line[:1]) == 0.0


def test_a_leak_below_the_noise_of_a_moment_is_found_in_an_hour() -> None:
    chance = random.Random(1)
    wandering = [90.0 + chance.uniform(-5.0, 5.0) for _ in range(720)]
    leaking = [held + 20.0 * number / 720 for number, held in enumerate(wandering)]
    assert growth(samples(wandering))[0].holds
    found = growth(samples(leaking))[0]
    assert not found.holds
    assert found.per_hour == pytest.approx(20.0, abs=2.0)


def test_one_descriptor_a_minute_is_a_leak() -> None:
    hour = [
        Sample(60.0 * minute, minute, (ProcessUse(1, SERVER, 90.0, 60 + minute, 8),))
        for minute in range(61)
    ]
    held = {row.unit: row.holds for row in growth(hour)}
    assert held == {"MiB": True, "descriptors": False, "threads": True}


def generations(grown_mib: float) -> list[ProcessUse]:
    """Sixty samples of six processes, each of which loads first and then fills up to the same."""
    return [
        ProcessUse(
            100 + number // 10,
            "render",
            20.0 if number % 10 == 0 else 300.0 + number % 10 + grown_mib * (number // 10),
            7,
            6,
        )
        for number in range(60)
    ]


def test_processes_that_fill_up_and_are_replaced_do_not_grow() -> None:
    rows = growth(samples([90.0] * 60, generations(0.0)))
    render = next(row for row in rows if (row.role, row.unit) == ("render", "MiB"))
    assert render.holds
    assert (render.grown, render.begin, render.most) == (0.0, 309.0, 309.0)


def test_what_one_process_passes_to_the_next_is_growth() -> None:
    rows = growth(samples([90.0] * 60, generations(10.0)))
    render = next(row for row in rows if (row.role, row.unit) == ("render", "MiB"))
    assert not render.holds
    assert render.grown == pytest.approx(59.0)  # six times 10 in 60 samples, 59 steps


def test_a_process_that_is_seen_only_while_it_loads_does_not_count() -> None:
    uses = [*generations(0.0), ProcessUse(999, "render", 21.0, 6, 1)]
    rows = growth(samples([90.0] * 61, uses))
    render = next(row for row in rows if (row.role, row.unit) == ("render", "MiB"))
    assert render.end == 309.0


def test_this_process_has_memory_descriptors_and_threads() -> None:
    own = processes_of(os.getpid())[0]
    assert own.role == SERVER
    assert own.memory_mib > 10.0
    assert own.descriptors >= 3
    assert own.threads >= 1
