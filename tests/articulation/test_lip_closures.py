"""Lips that must meet do, for as long as lips need, and meet nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.articulation.lip_closures import (
    LIVE,
    LONGEST_HUM_ROWS,
    LONGEST_ROWS,
    RECORDING,
    SHORTEST_ROWS,
    closures,
    labiodentals,
)

ROWS = 200
SPEAKING = np.ones(ROWS, dtype=np.bool_)


def test_an_evident_p_shuts_the_lips_until_its_release(make_acoustic):
    ((first, release),) = closures(make_acoustic(ROWS, p=[(100, 108, 0.9)]), SPEAKING)
    assert (first, release) == (100, 108)


@pytest.mark.parametrize("length", [4, 5])
def test_a_short_but_sure_closure_is_shown_as_long_as_lips_need(make_acoustic, length):
    ((first, release),) = closures(make_acoustic(ROWS, b=[(100, 100 + length, 0.95)]), SPEAKING)
    assert release - first == SHORTEST_ROWS
    assert first <= 100
    assert 0 <= release - (100 + length) <= 1


def test_a_long_gap_keeps_its_end_and_a_long_hum_more_of_it(make_acoustic):
    ((first, release),) = closures(make_acoustic(ROWS, p=[(80, 110, 0.9)]), SPEAKING)
    assert (first, release) == (110 - LONGEST_ROWS, 110)
    ((first, release),) = closures(make_acoustic(ROWS, m=[(80, 110, 0.9)]), SPEAKING)
    assert (first, release) == (110 - LONGEST_HUM_ROWS, 110)


@pytest.mark.parametrize("blip", [(100, 101, 1.0), (100, 103, 0.5), (60, 140, 0.3)])
def test_what_is_too_brief_or_too_weak_is_no_closure(make_acoustic, blip):
    acoustic = make_acoustic(ROWS, p=[blip], f=[blip])
    assert closures(acoustic, SPEAKING) == []
    assert labiodentals(acoustic, SPEAKING, []) == []


def test_nothing_touches_where_nobody_speaks(make_acoustic):
    acoustic = make_acoustic(ROWS, p=[(50, 58, 0.9), (150, 158, 0.9)], f=[(60, 68, 0.9)])
    assert closures(acoustic, np.zeros(ROWS, np.bool_)) == []
    assert labiodentals(acoustic, np.zeros(ROWS, np.bool_), []) == []


def test_a_first_p_is_shut_before_it_sounds(make_acoustic):
    speaking = SPEAKING.copy()
    speaking[:100] = False
    ((first, release),) = closures(make_acoustic(ROWS, p=[(93, 101, 0.9)]), speaking)
    assert (first, release) == (93, 101)


def test_two_closures_stay_two_if_the_lips_can_part(make_acoustic):
    acoustic = make_acoustic(ROWS, b=[(60, 68, 0.9), (80, 88, 0.9)])
    assert closures(acoustic, SPEAKING) == [(60, 68), (80, 88)]


def test_closures_never_overlap_and_lie_in_the_clip(make_acoustic):
    rng = np.random.default_rng(4)
    for _ in range(50):
        starts = np.sort(rng.integers(0, ROWS, 12))
        acoustic = make_acoustic(
            ROWS,
            m=[(int(a), int(a + rng.integers(1, 15)), float(rng.uniform(0.3, 1))) for a in starts],
        )
        edges = np.array(closures(acoustic, SPEAKING)).ravel()
        assert np.all(np.diff(edges) > 0)
        assert edges.min(initial=0) >= 0
        assert edges.max(initial=0) <= ROWS


def test_f_and_v_bite_and_shut_lips_do_not(make_acoustic):
    acoustic = make_acoustic(ROWS, f=[(50, 60, 0.8), (100, 110, 0.6)], p=[(98, 112, 0.9)])
    shut = closures(acoustic, SPEAKING)
    assert labiodentals(acoustic, SPEAKING, shut) == [(50, 60)]


def test_a_voice_that_fades_shuts_no_lips_without_strong_evidence(make_acoustic):
    loudness_db = np.zeros(ROWS, np.float32)
    loudness_db[108:] = -40.0
    weak, strong = (
        make_acoustic(ROWS, m=[(100, 108, 0.7)]),
        make_acoustic(ROWS, m=[(100, 108, 1.0)]),
    )
    assert len(closures(weak, SPEAKING)) == 1
    assert closures(weak, SPEAKING, loudness_db) == []
    assert len(closures(strong, SPEAKING, loudness_db)) == 1


def test_a_closure_that_is_released_aloud_needs_no_more_evidence(make_acoustic):
    loudness_db = np.zeros(ROWS, np.float32)
    loudness_db[100:108] = -40.0
    weak = make_acoustic(ROWS, m=[(100, 108, 0.7)])
    assert len(closures(weak, SPEAKING, loudness_db)) == 1


def test_in_a_live_voice_a_hum_needs_more_evidence_than_a_stop(make_acoustic):
    """n, ng and l hum like m, but no vowel is silent like p."""
    doubtful = [(100, 108, 0.5)]
    assert len(closures(make_acoustic(ROWS, p=doubtful), SPEAKING, rules=LIVE)) == 1
    assert closures(make_acoustic(ROWS, m=doubtful), SPEAKING, rules=LIVE) == []
    assert len(closures(make_acoustic(ROWS, m=[(100, 108, 0.7)]), SPEAKING, rules=LIVE)) == 1


@pytest.mark.parametrize("rounded", ["w", "u"])
def test_in_a_live_voice_rounded_lips_do_not_bite(make_acoustic, rounded):
    alone = make_acoustic(ROWS, f=[(50, 60, 0.5)])
    assert labiodentals(alone, SPEAKING, [], LIVE) == [(50, 60)]
    beside = make_acoustic(ROWS, f=[(50, 60, 0.5)], **{rounded: [(50, 60, 0.4)]})
    assert labiodentals(beside, SPEAKING, [], LIVE) == []


def test_a_closure_of_which_a_live_voice_shows_less_is_as_long(make_acoustic):
    brief = make_acoustic(ROWS, b=[(100, 104, 0.85)])
    assert closures(brief, SPEAKING, rules=RECORDING) == []
    ((first, release),) = closures(brief, SPEAKING, rules=LIVE)
    assert release - first == SHORTEST_ROWS
