"""Head turns and nods: where the head points, frame by frame.

Flow      phrases, emphasis, breath -> animation.head -> animation.gaze, ControlTrack -> rig
Reads     when the person speaks, the stressed syllables, the style, head_move_strength
Gives     HeadMotion: angles in degrees and translation, one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.breath import Breathing
from portravox.animation.drift import Drift, draw_drift
from portravox.animation.easing import away_from_ends, minimum_jerk, raised_cosine, soft_limit
from portravox.animation.emphasis import Stresses
from portravox.animation.phrases import joined, presence
from portravox.animation.styles import TABLE_STRENGTH, Style
from portravox.arrays import Float64
from portravox.articulation.curves import CURVE_RATE_HZ

AXES = ("yaw", "pitch", "roll", "shift_x", "shift_y")
_BANDS_HZ = ((0.08, 0.5), (0.1, 0.6), (0.08, 0.4), (0.08, 0.4), (0.1, 0.5))
"""Of the sway of each axis. The slow band of speakers' heads (Hadar 1983); ours are narrower."""

PAUSE_S = 0.4
PAUSE_PACE = 0.35
PACE_CHANGE_S = 0.3
"""In pauses of this length the sway goes on at this share of its pace, eased in and out within
this time. Slowed and not made smaller: a head that swings back to the middle whenever its
owner falls silent moves most just when it should be still."""

DRIFT_SHARE = 0.8
POSTURE_SHARE = 0.6
"""How the sway is made up: of wandering without aim, and of poses taken up with each phrase
(speakers' heads move wide and slow as they start to speak, Hadar 1984). Squares add up to 1."""

POSTURE_LIMIT = 1.5
"""Poses are drawn within this many deviations."""

POSTURE_HOLD_S = (2.5, 4.5)
POSTURE_MOVE_S = (0.6, 0.9)
POSTURE_LEAD_S = 0.15
"""A pose lasts so long in a phrase without pauses; taking it up takes so long, and begins so
much before the phrase. Our choice."""

NOD_SPACING_S = 0.6
NOD_SHARE = 0.6
NOD_S = (0.34, 0.4)
NOD_DOWN_SHARE = 0.42
NOD_LEAD_S = (0.0, 0.06)
"""Nods: their least spacing, the share of stresses that get one, their length, the part of it
that goes down, and how much before the syllable's energy peak they are lowest (Alexanderson
2013). Within what is observed, our choice."""

BREATH_PITCH_DEG = 0.2
"""The chin rises with the chest by this at strength 1."""

LEAN_SHARE = 0.6
"""Leaning to a side carries the head there: this share of the sideways shift follows the roll."""

SHIFT_LIMIT_DEVIATIONS = 3.0

SPEED_MARGIN = 0.95
"""Frames are further apart than the rows on which the speed is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """(T,) each, named and signed as in controls.CONTROLS. All 0: the photograph's pose."""

    yaw_deg: Float64
    pitch_deg: Float64
    roll_deg: Float64
    shift_x: Float64
    shift_y: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Nods:
    """(N,) each."""

    lowest_s: Float64
    lengths_s: Float64
    weights: Float64
    """0..1: depth as a share of the style's."""


@dataclass(frozen=True, slots=True, eq=False)
class Postures:
    """Poses taken up one after the other, from all 0."""

    starts_s: Float64
    lengths_s: Float64
    """(P,) each: when the head sets out for the pose, and how long it takes."""

    poses: Float64
    """(P, 5) in deviations of each of AXES."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadScore:
    """All that is left to chance, drawn before strength and style are known.

    The same score played by each style and at each frame rate is the same motion, larger or
    smaller, sampled closer or wider.
    """

    drifts: tuple[Drift, ...]
    """One for each of AXES."""

    postures: Postures
    nods: Nods

    pace_s: Float64
    """(R,) what the drifts' clock shows at each curve row: it runs slower in pauses."""

    duration_s: float


def draw_score(
    spans: Float64, stresses: Stresses, duration_s: float, rng: np.random.Generator
) -> HeadScore:
    """Decide where the head will go.

    spans  (S, 2) stretches of speech
    """
    drift_rng, posture_rng, nod_rng = rng.spawn(3)
    rows_s = _rows_s(duration_s)
    phrases = joined(spans, PAUSE_S)
    speaking = presence(rows_s, phrases, PACE_CHANGE_S, PACE_CHANGE_S)
    pace = PAUSE_PACE + (1.0 - PAUSE_PACE) * speaking
    return HeadScore(
        drifts=tuple(draw_drift(band_hz, drift_rng) for band_hz in _BANDS_HZ),
        postures=_draw_postures(phrases, posture_rng),
        nods=_draw_nods(stresses, nod_rng),
        pace_s=np.concatenate(([0.0], np.cumsum(0.5 * (pace[1:] + pace[:-1])))) / CURVE_RATE_HZ,
        duration_s=duration_s,
    )


def head_motion(
    score: HeadScore, breathing: Breathing, style: Style, strength: float, times_s: Float64
) -> HeadMotion:
    """The head at each frame.

    strength  0..1; the motion grows in proportion up to the style's limits; 0 gives zeros
    times_s   (T,) of the frames
    """
    at_table = _angles_deg(score, breathing, style, _rows_s(score.duration_s))
    fastest = float(np.percentile(_speed_deg_s(at_table), 95.0))
    allowed = SPEED_MARGIN * style.speed_limit_deg_s
    gain = strength / TABLE_STRENGTH * (allowed / fastest if fastest > allowed else 1.0)
    # 0 - 0 may be -0, which would make "no motion" depend on who compares.
    angles = soft_limit(_angles_deg(score, breathing, style, times_s) * gain, style.limit_deg) + 0.0
    shift = _shift(score, style, times_s) * strength / TABLE_STRENGTH
    shift = soft_limit(shift, SHIFT_LIMIT_DEVIATIONS * style.shift_face_widths) + 0.0
    return HeadMotion(*angles.T, *shift.T)


def _rows_s(duration_s: float) -> Float64:
    """Moments close enough to read a head's speed from."""
    return np.arange(int(duration_s * CURVE_RATE_HZ) + 2, dtype=np.float64) / CURVE_RATE_HZ


def _angles_deg(score: HeadScore, breathing: Breathing, style: Style, times_s: Float64) -> Float64:
    """(T, 3) yaw, pitch and roll at the strength of the table, before limits."""
    swayed = _sway(score, times_s)[:, :3]
    angles = swayed * (style.yaw_sway_deg, style.pitch_sway_deg, style.roll_sway_deg)
    angles[:, 1] -= style.nod_deg * nodding(score.nods, times_s)
    angles[:, 1] += BREATH_PITCH_DEG * TABLE_STRENGTH * breathing.at(times_s)
    faded: Float64 = angles * away_from_ends(times_s, score.duration_s)[:, None]
    return faded


def _shift(score: HeadScore, style: Style, times_s: Float64) -> Float64:
    """(T, 2) right and up, face widths, at the strength of the table, before limits."""
    sway = _sway(score, times_s)
    own_share = np.sqrt(1.0 - LEAN_SHARE**2)
    sideways = LEAN_SHARE * sway[:, 2] + own_share * sway[:, 3]
    both = np.stack([sideways, sway[:, 4]], axis=1) * style.shift_face_widths
    faded: Float64 = both * away_from_ends(times_s, score.duration_s)[:, None]
    return faded


def _sway(score: HeadScore, times_s: Float64) -> Float64:
    """(T, 5) slow movement of each of AXES, standard deviation about 1."""
    pace_s = np.interp(times_s, _rows_s(score.duration_s), score.pace_s)
    drifting = np.stack([drift.at(pace_s) for drift in score.drifts], axis=1)
    return DRIFT_SHARE * drifting + POSTURE_SHARE * _posture(score.postures, times_s)


def _posture(postures: Postures, times_s: Float64) -> Float64:
    """(T, 5) the pose held or being taken up at each moment, in deviations."""
    steps = np.diff(postures.poses, axis=0, prepend=np.zeros((1, len(AXES))))
    phase = (times_s[:, None] - postures.starts_s) / postures.lengths_s  # (T, P)
    held: Float64 = minimum_jerk(phase) @ steps  # (T, P) . (P, 5)
    return held


def nodding(nods: Nods, times_s: Float64) -> Float64:
    """(T,) how low the chin is nodded: 0 not, 1 as deep as the style goes.

    Nods are far enough apart not to meet.
    """
    depth = np.zeros_like(times_s)
    down_s = NOD_DOWN_SHARE * nods.lengths_s
    up_s = nods.lengths_s - down_s
    for lowest_s, down, up, weight in zip(nods.lowest_s, down_s, up_s, nods.weights, strict=True):
        first, last = np.searchsorted(times_s, (lowest_s - down, lowest_s + up))
        since_s = times_s[first:last] - lowest_s
        depth[first:last] += weight * (
            raised_cosine(since_s / down + 1.0) - raised_cosine(since_s / up)
        )
    return depth


def _draw_postures(phrases: Float64, rng: np.random.Generator) -> Postures:
    starts_s: list[float] = []
    for start_s, end_s in phrases:
        moment_s = start_s - POSTURE_LEAD_S
        while moment_s < end_s - POSTURE_MOVE_S[1]:
            starts_s.append(moment_s)
            moment_s += rng.uniform(*POSTURE_HOLD_S)
    count = len(starts_s)
    poses = np.clip(rng.standard_normal((count, len(AXES))), -POSTURE_LIMIT, POSTURE_LIMIT)
    return Postures(np.array(starts_s), rng.uniform(*POSTURE_MOVE_S, size=count), poses)


def _draw_nods(stresses: Stresses, rng: np.random.Generator) -> Nods:
    count = len(stresses.times_s)
    chosen = rng.uniform(size=count) < NOD_SHARE
    lowest_s = stresses.times_s - rng.uniform(*NOD_LEAD_S, size=count)
    lengths_s = rng.uniform(*NOD_S, size=count)
    kept: list[int] = []
    for i in np.flatnonzero(chosen):
        if not kept or lowest_s[i] - lowest_s[kept[-1]] >= NOD_SPACING_S:
            kept.append(int(i))
    index = np.array(kept, dtype=np.int64)
    return Nods(lowest_s[index], lengths_s[index], stresses.weights[index])


def _speed_deg_s(angles_deg: Float64) -> Float64:
    """(T, 3) angles in curve rows -> (T,) how fast the head turns, all axes together."""
    velocity = np.gradient(angles_deg, 1.0 / CURVE_RATE_HZ, axis=0)
    speed: Float64 = np.sqrt(np.sum(velocity**2, axis=1))
    return speed
