"""The whole track: its length, its ranges, its zeros, and what each knob leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portravox.animation.controls import CONTROLS
from portravox.animation.direct import direct
from portravox.articulation.curves import CHANNELS
from portravox.clock import frame_count
from portravox.options import MAX_SEED, TEMPLATES, Direction

MOUTH = (
    "speech", "lip_gap", "jaw", "lip_wide", "lip_round", "lip_press", "lip_teeth", "tongue_up",
    "smile", "smile_skew",
)  # fmt: skip
HEAD = ("head_yaw_deg", "head_pitch_deg", "head_roll_deg", "head_shift_x", "head_shift_y", "breath")
TRAILING = ("body_x", "body_y", "hair_x", "hair_y")
RANGES = {
    **dict.fromkeys(CONTROLS, (0.0, 1.0)),
    "lip_gap": (0.0, 0.5),
    **dict.fromkeys(("smile", "smile_skew", "brow_skew"), (-1.0, 1.0)),
    "gaze_yaw_deg": (-8.0, 8.0),
    "gaze_pitch_deg": (-5.0, 5.0),
    **dict.fromkeys(("head_yaw_deg", "head_pitch_deg", "head_roll_deg"), (-12.0, 12.0)),
    **dict.fromkeys(("head_shift_x", "head_shift_y", *TRAILING), (-0.03, 0.03)),
}

directions = st.builds(
    Direction,
    template_id=st.sampled_from(TEMPLATES),
    eye_move_freq=st.floats(0.0, 1.0),
    video_fps=st.integers(15, 30),
    mouth_move_strength=st.floats(0.0, 1.5),
    head_move_strength=st.floats(0.0, 1.0),
    seed=st.integers(0, MAX_SEED),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(direction=directions, duration_s=st.floats(0.02, 6.0), noise=st.integers(0, 1000))
def test_any_direction_of_any_curves_stays_in_range(curves_from, direction, duration_s, noise):
    rng = np.random.default_rng(noise)
    rows = len(curves_from(duration_s).values)
    wild = {name: rng.uniform(0.0, 1.0, rows) for name in CHANNELS}
    wild["activity"] = (rng.uniform(size=rows).cumsum() % 2.0 < 1.5).astype(float)
    wild["loudness"] = rng.uniform(-60.0, 20.0, rows)
    wild["pitch"] = rng.uniform(-12.0, 12.0, rows)
    track = direct(curves_from(duration_s, **wild), direction)
    assert track.values.shape == (frame_count(duration_s, direction.video_fps), len(CONTROLS))
    assert track.values.dtype == np.float32
    assert np.all(np.isfinite(track.values))
    for name, (low, high) in RANGES.items():
        assert track[name].min() >= low - 1e-6, name
        assert track[name].max() <= high + 1e-6, name


def test_same_seed_same_track_other_seed_other_track(voice):
    track = direct(voice.curves, Direction(seed=7))
    assert np.array_equal(track.values, direct(voice.curves, Direction(seed=7)).values)
    other = direct(voice.curves, Direction(seed=8))
    for name in ("blink_left", "head_yaw_deg", "gaze_yaw_deg", "breath", "smile"):
        assert not np.array_equal(track[name], other[name]), name
    assert np.array_equal(track["lip_gap"], other["lip_gap"])  # the voice leads, not chance


@pytest.mark.parametrize(
    ("knob", "still"),
    [
        ({"mouth_move_strength": 0.0}, MOUTH),
        ({"head_move_strength": 0.0}, (*HEAD, *TRAILING)),
        ({"eye_move_freq": 0.0}, ("blink_left", "blink_right")),
    ],
)
def test_0_means_none_exactly_and_touches_nothing_else(voice, knob, still):
    usual = direct(voice.curves, Direction())
    changed = direct(voice.curves, Direction(**knob))
    for name in still:
        assert usual[name].any() or name in ("lip_teeth", "tongue_up"), name
        assert not changed[name].any(), name
    # Gaze follows the head and the lids, brows the lids; eyes smile with the mouth.
    followers = {"gaze_yaw_deg", "gaze_pitch_deg", "brow_lower", "squint"}
    for name in set(CONTROLS) - set(still) - followers:
        assert np.array_equal(usual[name], changed[name]), name


def test_with_everything_off_only_eyes_and_brows_are_alive(voice):
    off = Direction(mouth_move_strength=0.0, head_move_strength=0.0, eye_move_freq=0.0)
    track = direct(voice.curves, off)
    moving = {name for name in CONTROLS if track[name].any()}
    brows = {"brow_raise", "brow_lower", "brow_skew", "eye_wide", "squint"}
    assert moving == {"gaze_yaw_deg", "gaze_pitch_deg"} | brows


def test_silence_moves_no_lips_but_the_person_lives(silence):
    track = direct(silence, Direction())
    assert not any(track[name].any() for name in MOUTH)
    assert track["blink_left"].max() >= 0.9
    assert track["breath"].max() > 0.3


@pytest.mark.parametrize("fps", [15, 24, 25, 30])
@pytest.mark.parametrize("template", TEMPLATES)
def test_clips_begin_and_end_with_the_photograph(voice, fps, template):
    track = direct(voice.curves, Direction(video_fps=fps, template_id=template))
    for name in set(CONTROLS) - {"speech"}:
        assert track[name][0] == 0.0, name
        assert track[name][-1] == pytest.approx(0.0, abs=1e-6), name


def test_motion_is_the_same_at_15_and_30_frames_a_second(voice):
    slow = direct(voice.curves, Direction(video_fps=15))
    fast = direct(voice.curves, Direction(video_fps=30))
    for name in (*HEAD, "brow_raise", "brow_skew", "smile", "smile_skew", "speech", "jaw"):
        assert slow[name] == pytest.approx(fast[name][::2], abs=1e-5), name
