"""What a live person looks like over minutes: heads that hold, brows that wait for emphasis."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.controls import CONTROLS
from portravox.animation.live import LiveDirector
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.options import Direction
from portravox.segments import segments

FPS = 15
YAW, RAISE, WIDE, BLINK = (
    CONTROLS.index(name) for name in ("head_yaw_deg", "brow_raise", "eye_wide", "blink_left")
)
KNOWN_S = 0.2
"""How much after a frame's moment is known of a voice."""


def rows_of(curves, duration_s, seed=0, photo_smile=0.0, expression="neutral"):
    """(T, C) as a session asks for them: a window that ends KNOWN_S after each frame."""
    director = LiveDirector(Direction(video_fps=FPS, seed=seed, expression=expression), photo_smile)
    rows = []
    for frame in range(int(duration_s * FPS)):
        window, first = None, 0
        if curves is not None:
            first = max(0, frame // FPS - 2) * CURVE_RATE_HZ
            last = int((frame / FPS + KNOWN_S) * CURVE_RATE_HZ)
            values = curves.values[first:last]
            window = ArticulationCurves(values, len(values) / CURVE_RATE_HZ)
        rows.append(director.row(frame, window, first))
    return np.array(rows)


def head_speed(rows):
    """(T - 1,) degrees a second, all axes together."""
    return np.linalg.norm(np.diff(rows[:, YAW : YAW + 3], axis=0), axis=1) * FPS


@pytest.fixture(scope="module")
def listened():
    """Three minutes of listening."""
    return rows_of(None, 180.0, seed=1)


@pytest.fixture(scope="module")
def turns(make_voice):
    """72 s: eight turns of 6 s, 3 s of silence before each; frames in which they begin."""
    begins = np.arange(3.0, 72.0, 9.0)
    voice = make_voice(73.0, tuple((b, b + 6.0) for b in begins))
    return rows_of(voice.curves, 72.0), begins


def test_a_listener_holds_the_head_and_moves_it_in_between(listened):
    speed = head_speed(listened)
    assert np.mean(speed < 0.3) > 0.55
    holds_s = np.array([s.stop - s.start for s in segments(speed < 0.3)]) / FPS
    long_s = holds_s[holds_s > 1.0]
    assert 3 * 4 <= len(long_s) <= 3 * 25
    assert long_s.max() < 20.0
    assert long_s.std() > 0.3 * long_s.mean()
    assert listened[:, YAW].std() > 0.4  # and is no statue


def test_a_listener_is_never_frozen(listened):
    """Breath and gaze go on in a held head."""
    assert np.mean(np.abs(np.diff(listened, axis=0)).max(axis=1) < 1e-6) < 0.01


def test_a_listener_blinks_with_turns_of_the_head_and_no_more_often_for_it(listened):
    speed = head_speed(listened)
    turns = [
        s.start
        for s in segments(speed > 0.5)
        if (speed[max(0, s.start - FPS) : s.start] < 0.5).all()
    ]
    shut = listened[:, BLINK] > 0.5
    began = np.flatnonzero(shut[1:] & ~shut[:-1])
    assert abs(len(began) - 90) <= 8
    near = [np.any((began >= turn - 0.3 * FPS) & (began <= turn + 0.4 * FPS)) for turn in turns]
    assert len(turns) >= 10
    assert 0.45 < np.mean(near) < 0.85  # .3 without being drawn to them


def test_a_speaker_holds_the_head_between_movements_and_moves_more_than_a_listener(turns, listened):
    rows, begins = turns
    speed = head_speed(rows)
    times_s = np.arange(len(speed)) / FPS
    speaks = np.any([(times_s > b) & (times_s < b + 6.0) for b in begins], axis=0)
    still = np.mean(speed[speaks] < 1.0)
    assert 0.15 < still < 0.8
    assert speed[speaks].mean() > 1.5 * head_speed(listened).mean()


def test_few_turns_begin_with_raised_brows_and_emphasis_raises_them(turns):
    rows, begins = turns
    frames = np.rint(begins * FPS).astype(int)
    early = np.array([rows[frame : frame + FPS, RAISE].max() for frame in frames])
    assert np.sum(early > rows[frames - FPS // 2, RAISE] + 0.15) <= 0.25 * len(begins)
    lifts = len(segments(rows[:, WIDE] > 0.05))  # the lids go along with lifts alone
    assert 2 <= lifts <= 1.5 * len(begins)


def test_a_voice_that_comes_as_it_is_spoken_takes_up_poses_while_it_goes_on(turns):
    """No more than KNOWN_S of it is known, which is less than a pose takes."""
    rows, begins = turns
    frames = np.rint(begins * FPS).astype(int)
    ways = [np.ptp(rows[frame + FPS : frame + 6 * FPS, YAW]) for frame in frames]
    assert np.median(ways) > 1.5


def test_a_broad_smile_of_the_photograph_is_held_for_seconds_and_then_gives_way(make_voice):
    voice = make_voice(34.0, ((14.0, 18.0),))
    given = rows_of(voice.curves, 34.0, photo_smile=1.0)[:, CONTROLS.index("speech")]
    times_s = np.arange(len(given)) / FPS
    assert not given[times_s < 3.9].any()  # as photographed
    relaxed = (times_s > 8.0) & (times_s < 13.0)
    assert np.all((given[relaxed] > 0.3) & (given[relaxed] < 0.6))
    after = (times_s > 20.0) & (times_s < 22.0)
    assert given[after].max() < 0.1  # the smile is there again after the last word
    assert given[times_s > 27.0].min() > 0.3
    assert np.abs(np.diff(given)).max() * FPS < 8.0


def test_a_smile_that_was_asked_for_stays_and_a_face_that_does_not_smile_has_none_to_give():
    speech = CONTROLS.index("speech")
    assert not rows_of(None, 15.0, photo_smile=1.0, expression="happy")[:, speech].any()
    assert not rows_of(None, 15.0)[:, speech].any()
