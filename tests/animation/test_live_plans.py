import numpy as np
import pytest

from portravox.animation.blink import SHALLOW
from portravox.animation.live_plans import (
    BeatsAndNods,
    BrowLifts,
    LiveBlinks,
    LiveBreath,
    LiveGaze,
    PhrasePoses,
    PoseQueue,
)
from portravox.animation.styles import STYLES

FPS = 25


def _rng(seed=0):
    return np.random.default_rng(seed)


def _times(minutes):
    return np.arange(int(minutes * 60 * FPS)) / FPS


@pytest.mark.parametrize("rate_hz", [0.1, 0.5, 1.0])
def test_eyes_blink_as_often_as_asked_and_each_is_seen_shut(rate_hz):
    blinks = LiveBlinks(rate_hz, FPS, _rng())
    shut = np.array([blinks.at(t, -np.inf).both[0] for t in _times(4)])
    began = np.flatnonzero((shut[1:] > 0.5) & (shut[:-1] <= 0.5))
    assert abs(len(began) / 240 - rate_hz) < 0.15 * rate_hz + 0.01
    deepest = [shut[start : start + 6].max() for start in began[:-1]]
    assert min(deepest) > 0.9 * SHALLOW[0]
    assert np.mean(np.array(deepest) > 0.9) > 0.6


@pytest.mark.parametrize("rate_hz", [0.25, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_ten_minutes_have_as_many_blinks_as_asked_at_uneven_intervals(rate_hz, seed):
    blinks = LiveBlinks(rate_hz, FPS, _rng(seed))
    shut = np.array([blinks.at(t, -np.inf).both[0] for t in _times(10)])
    began_s = np.flatnonzero((shut[1:] > 0.5) & (shut[:-1] <= 0.5)) / FPS
    assert abs(len(began_s) - 600 * rate_hz) <= 8
    gaps_s = np.diff(began_s)
    assert 0.55 < gaps_s.std() / gaps_s.mean() < 1.0
    assert np.median(gaps_s) < 0.95 * gaps_s.mean()  # many are short, few are long
    assert gaps_s.min() > 0.3


def test_brows_are_not_lifted_where_nothing_is_known_to_stand_out_of():
    lifts = BrowLifts(_rng())
    for moment_s in np.arange(0.1, 1.1, 0.1):
        lifts.on_stress(moment_s, 1.0, moment_s, 0.0, STYLES["normal"])
    assert not lifts._lifts
    for moment_s in np.arange(1.5, 30.0, 0.5):
        lifts.on_stress(moment_s, 1.0, moment_s, 0.0, STYLES["normal"])
    assert len(lifts._lifts) > 3


def test_the_heavier_a_stress_the_more_often_brows_go_along():
    count = {}
    for weight in (0.6, 0.85, 1.0):
        lifts = BrowLifts(_rng(1))
        for moment_s in np.arange(2.0, 200.0, 0.5):
            lifts.on_stress(moment_s, weight, moment_s, 0.0, STYLES["normal"])
        count[weight] = len(lifts._lifts)
    assert count[0.6] == 0 < count[0.85] < count[1.0] < 200 / 2.0


def test_phrases_that_end_attract_blinks_and_make_them_no_more():
    blinks = LiveBlinks(0.5, FPS, _rng())
    times = _times(4)
    ends = np.floor(times / 2.5) * 2.5
    shut = np.array([blinks.at(t, e).both[0] for t, e in zip(times, ends, strict=True)])
    began = np.flatnonzero((shut[1:] > 0.5) & (shut[:-1] <= 0.5)) / FPS
    assert abs(len(began) / 240 - 0.5) < 0.08
    assert np.mean(began % 2.5 < 0.45) > 0.25  # 0.18 by chance


def test_a_rate_of_zero_stops_and_another_one_goes_on():
    blinks = LiveBlinks(0.0, FPS, _rng())
    assert not any(blinks.at(t, -np.inf).both[0] for t in _times(0.2))
    blinks.change(1.0, 12.0)
    assert any(blinks.at(12.0 + t, -np.inf).both[0] > 0.9 for t in _times(0.05))
    blinks.change(0.0, 20.0)
    assert not any(blinks.at(21.0 + t, -np.inf).both[0] for t in _times(0.2))


def test_a_pose_is_reached_before_the_next_is_set_out_for():
    queue = PoseQueue(1)
    queue.add(1.0, 0.5, np.array([1.0]))
    queue.add(1.2, 0.5, np.array([-1.0]))
    held = [float(queue.plan(t).at(np.array([t]))[0, 0]) for t in np.arange(0, 3, 0.01)]
    assert max(held) == 1.0
    assert held[-1] == -1.0
    assert np.abs(np.diff(held)).max() < 0.1


def test_poses_that_are_over_are_forgotten_without_a_jump():
    poses = PhrasePoses(2, (0.5, 0.8), (0.3, 0.4), _rng(), idles=True)
    held = []
    for t in _times(3):
        poses.decide(t, speaking=t % 20 < 12, ending=False)
        held.append(poses.queue.plan(t).at(np.array([t]))[0])
    assert len(poses.queue._moves) <= 4
    assert np.abs(np.diff(held, axis=0)).max() < 0.75
    assert np.abs(np.mean(held, axis=0)).max() < 0.5


def test_a_nod_is_lowest_at_its_syllable_or_as_soon_as_it_can():
    for known_s in (0.0, 0.95):
        beats = BeatsAndNods(3, _rng(3))
        for moment_s in (1.0, 2.0, 3.0):
            beats.on_stress(moment_s, 1.0, moment_s - 1.0 + known_s)
        for lowest_s in beats.nods(0.0).lowest_s:
            late_s = (lowest_s - 0.5) % 1.0 - 0.5
            assert -0.07 <= late_s <= 0.2


def test_what_has_not_begun_can_be_left_out():
    beats, lifts = BeatsAndNods(3, _rng()), BrowLifts(_rng())
    for moment_s in np.arange(1.0, 20.0):
        beats.on_stress(moment_s, 1.0, 0.0)
        lifts.on_stress(moment_s, 1.0, 0.0, -np.inf, STYLES["normal"])
    beats.drop_after(5.0)
    lifts.drop_after(5.0)
    assert beats.nods(0.0).lowest_s.max() < 5.5
    assert beats.beats.plan(0.0).starts_s.max() <= 5.0
    assert lifts.at(9.0)[0] == 0.0


def test_eyes_stay_near_the_camera_for_long():
    gaze = LiveGaze(_rng())
    looked = np.array([gaze.at(t, looks_away=False)[0] for t in np.arange(0, 900, 0.2)])
    assert np.abs(looked).max() < 4.0
    assert np.abs(looked.mean(axis=0)).max() < 0.3
    assert len(gaze._shifts) <= 3


def test_the_chest_rises_12_to_18_times_a_minute_without_end():
    breath = LiveBreath(_rng())
    risen = np.array([breath.at(t)[0] for t in _times(5)])
    breaths = np.sum((risen[1:] > 0.35) & (risen[:-1] <= 0.35))
    assert 5 * 12 <= breaths <= 5 * 18
    assert np.abs(np.diff(risen)).max() < 0.1
    assert len(breath._depths) <= 2
