"""Gaze: where the eyes look while the head moves.

Flow      head, blink -> animation.gaze -> ControlTrack -> rig
Reads     the head's angles, the lids, the style
Gives     GazeMotion: eye angles in the head, degrees, one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.blink import Blinks
from portravox.animation.easing import minimum_jerk
from portravox.animation.head import HeadMotion
from portravox.animation.styles import Style
from portravox.arrays import Float64

COUNTER_ROTATION = 0.85
"""The share of a head turn that the eyes take back to stay on the camera. A little less than
the reflex does, which in a picture, where eyes can't roll, would look like staring."""

YAW_LIMIT_DEG = 8.0
PITCH_LIMIT_DEG = 5.0
"""Beyond them the picture has no white of the eye to show. Our choice."""

SHIFT_INTERVAL_S = (0.8, 3.0)
SHIFT_DEG = (0.5, 1.5)
SHIFT_RADIUS_DEG = 1.2
"""Small gaze shifts: their spacing and size, and how far from the camera they lead."""

SHIFT_TURN_RAD = 1.0
"""Once further out than the radius, the next shift leads back to the camera, give or take
this angle."""

UPRIGHT_SHARE = 0.6
"""Eyes move less up and down than sideways."""

AWAY_INTERVAL_S = (6.0, 10.0)
AWAY_HOLD_S = (0.5, 1.2)
AWAY_DEG = (3.0, 6.0)
"""Looks away from the camera: their spacing, length and size. Our choice."""

STEP_S = 0.025
STEP_S_PER_DEG = 0.0024
"""Duration of a saccade (Lee, Badler & Badler 2002): a step, never a glide."""

RETURN_BEFORE_END_S = 0.3
"""The eyes are back at the camera this long before the end, so that clips can be joined."""

BLINK_DIP_DEG = 1.5
"""The eyes turn down under the falling lid. They turn inward too, which two eyes with one
direction can't."""


@dataclass(frozen=True, slots=True, eq=False)
class GazeMotion:
    """(T,) each, signed as in controls.CONTROLS."""

    yaw_deg: Float64
    pitch_deg: Float64


def gaze_motion(
    head: HeadMotion,
    blinks: Blinks,
    style: Style,
    duration_s: float,
    times_s: Float64,
    rng: np.random.Generator,
) -> GazeMotion:
    """Both eyes at each frame: fixed on the camera but for small shifts.

    times_s  (T,) of the frames
    """
    shift_rng, away_rng = rng.spawn(2)
    target_deg = stepped(*_small_shifts(duration_s, shift_rng), times_s)
    if style.looks_away:
        target_deg += stepped(*_looks_away(duration_s, away_rng), times_s)
    return gaze_at(target_deg, head, blinks)


def gaze_at(target_deg: Float64, head: HeadMotion, blinks: Blinks) -> GazeMotion:
    """Eyes that are fixed on something while the head moves and the lids fall.

    target_deg  (T, 2) where they look, from the camera
    """
    yaw_deg = target_deg[:, 0] - COUNTER_ROTATION * head.yaw_deg
    pitch_deg = target_deg[:, 1] - COUNTER_ROTATION * head.pitch_deg - BLINK_DIP_DEG * blinks.both
    return GazeMotion(
        yaw_deg=np.clip(yaw_deg, -YAW_LIMIT_DEG, YAW_LIMIT_DEG),
        pitch_deg=np.clip(pitch_deg, -PITCH_LIMIT_DEG, PITCH_LIMIT_DEG),
    )


def _small_shifts(duration_s: float, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Onsets (S,) and targets (S, 2) in degrees; the last target is the camera."""
    onsets_s: list[float] = []
    targets_deg: list[Float64] = []
    here = np.zeros(2)
    moment_s = rng.uniform(*SHIFT_INTERVAL_S)
    while moment_s < duration_s - RETURN_BEFORE_END_S - SHIFT_INTERVAL_S[0]:
        here = small_shift(here, rng)
        onsets_s.append(moment_s)
        targets_deg.append(here * (1.0, UPRIGHT_SHARE))
        moment_s += rng.uniform(*SHIFT_INTERVAL_S)
    if onsets_s:
        onsets_s.append(duration_s - RETURN_BEFORE_END_S)
        targets_deg.append(np.zeros(2))
    return np.array(onsets_s), np.array(targets_deg).reshape(-1, 2)


def _looks_away(duration_s: float, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Onsets (S,) and targets (S, 2) in degrees: away and back, in turns."""
    onsets_s: list[float] = []
    targets_deg: list[Float64] = []
    moment_s = rng.uniform(*AWAY_INTERVAL_S)
    while moment_s < duration_s - RETURN_BEFORE_END_S - AWAY_HOLD_S[1]:
        away = look_away(rng)
        onsets_s += [moment_s, moment_s + rng.uniform(*AWAY_HOLD_S)]
        targets_deg += [away, np.zeros(2)]
        moment_s += rng.uniform(*AWAY_INTERVAL_S)
    return np.array(onsets_s), np.array(targets_deg).reshape(-1, 2)


def small_shift(here: Float64, rng: np.random.Generator) -> Float64:
    """(2,) where the eyes go from here, before UPRIGHT_SHARE; back if that is far out."""
    angle = rng.uniform(-np.pi, np.pi)
    if np.hypot(*here) > SHIFT_RADIUS_DEG:
        angle = np.arctan2(-here[1], -here[0]) + angle / np.pi * SHIFT_TURN_RAD
    there: Float64 = here + rng.uniform(*SHIFT_DEG) * np.array([np.cos(angle), np.sin(angle)])
    return there


def look_away(rng: np.random.Generator) -> Float64:
    """(2,) degrees from the camera."""
    angle = rng.uniform(-np.pi, np.pi)
    away: Float64 = rng.uniform(*AWAY_DEG) * np.array(
        [np.cos(angle), UPRIGHT_SHARE * np.sin(angle)]
    )
    return away


def stepped(onsets_s: Float64, targets_deg: Float64, times_s: Float64) -> Float64:
    """(T, 2) the direction at each moment of eyes that jump from target to target, from 0.

    A jump is over long before the next one.
    """
    targets_deg = np.concatenate((np.zeros((1, 2)), targets_deg))
    onsets_s = np.concatenate(([0.0], onsets_s))
    here = np.searchsorted(onsets_s, times_s, side="right") - 1
    before_deg = targets_deg[np.maximum(here - 1, 0)]
    step_deg = targets_deg[here] - before_deg
    length_s = STEP_S + STEP_S_PER_DEG * np.hypot(step_deg[:, 0], step_deg[:, 1])
    share = minimum_jerk((times_s - onsets_s[here]) / length_s)
    direction_deg: Float64 = before_deg + share[:, None] * step_deg
    return direction_deg
