"""Head turns and nods: where the head points, frame by frame.

Flow      phrases, emphasis, postures, breath -> animation.head -> gaze, ControlTrack -> rig
Reads     when the person speaks, the stressed syllables, the style, head_move_strength
Gives     HeadMotion: angles in degrees and translation, one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.breath import Breathing
from portravox.animation.drift import Drift, draw_drift
from portravox.animation.easing import away_from_ends, raised_cosine
from portravox.animation.emphasis import Stresses
from portravox.animation.phrases import joined, presence
from portravox.animation.postures import Postures, draw_beats, draw_postures
from portravox.animation.styles import TABLE_STRENGTH, Style
from portravox.arrays import Float64
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.ramps import soft_limit

AXES = ("yaw", "pitch", "roll", "shift_x", "shift_y")
BANDS_HZ = ((0.08, 0.5), (0.1, 0.6), (0.08, 0.4), (0.08, 0.4), (0.1, 0.5))
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

POSTURE_HOLD_S = (2.5, 4.5)
POSTURE_MOVE_S = (0.6, 0.9)
"""A pose lasts so long in a phrase without pauses; taking it up takes so long. Our choice."""

BEAT_SHARES = (1.0, 0.8, 0.7)
"""Of the style's beat, for yaw, pitch and roll: nods have their own pitch. Without beats a speaker
drifts and nods; recordings have half a degree of turning and leaning between 0.6 and 1.8 Hz."""

NOD_SPACING_S = 0.6
NOD_SHARE = 0.6
NOD_S = (0.34, 0.4)
NOD_DOWN_SHARE = 0.42
NOD_LEAD_S = (0.0, 0.06)
NOD_DEPTH = (0.5, 1.0)
"""Nods: their least spacing, the share of stresses that get one, their length, the part of it
that goes down, how much before the syllable's energy peak they are lowest (Alexanderson 2013), and
the range of their depth, which keeps them from being all alike. Within what is observed, our
choice."""

BREATH_PITCH_DEG = 0.2
"""The chin rises with the chest by this at strength 1."""

LEAN_SHARE = 0.6
"""Leaning to a side carries the head there: this share of the sideways shift follows the roll."""

SHIFT_LIMIT_DEVIATIONS = 3.0

LEAST_QUICK = 0.5
"""Nods and beats are not made smaller than this share, to keep to the style's speed."""

GAIN_STEPS = 6
"""Halvings of the search for that share."""

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
class HeadMotionPlan:
    """All that is left to chance, drawn before strength and style are known.

    The same plan played by each style and at each frame rate is the same motion, larger or
    smaller, sampled closer or wider.
    """

    drifts: tuple[Drift, ...]
    """One for each of AXES."""

    postures: Postures
    """Of each of AXES."""

    beats: Postures
    """Of yaw, pitch and roll."""

    nods: Nods

    pace_s: Float64
    """(R,) what the drifts' clock shows at each curve row: it runs slower in pauses."""

    duration_s: float


def draw_score(
    spans: Float64, stresses: Stresses, duration_s: float, rng: np.random.Generator
) -> HeadMotionPlan:
    """Decide where the head will go.

    spans  (S, 2) segments of speech
    """
    drift_rng, posture_rng, nod_rng, beat_rng = rng.spawn(4)
    rows_s = _rows_s(duration_s)
    phrases = joined(spans, PAUSE_S)
    speaking = presence(rows_s, phrases, PACE_CHANGE_S, PACE_CHANGE_S)
    pace = PAUSE_PACE + (1.0 - PAUSE_PACE) * speaking
    return HeadMotionPlan(
        drifts=tuple(draw_drift(band_hz, drift_rng) for band_hz in BANDS_HZ),
        postures=draw_postures(phrases, len(AXES), POSTURE_HOLD_S, POSTURE_MOVE_S, posture_rng),
        beats=draw_beats(stresses, phrases, len(BEAT_SHARES), beat_rng),
        nods=_draw_nods(stresses, nod_rng),
        pace_s=np.concatenate(([0.0], np.cumsum(0.5 * (pace[1:] + pace[:-1])))) / CURVE_RATE_HZ,
        duration_s=duration_s,
    )


def head_motion(
    plan: HeadMotionPlan, breathing: Breathing, style: Style, strength: float, times_s: Float64
) -> HeadMotion:
    """The head at each frame.

    strength  0..1; the motion grows in proportion up to the style's limits; 0 gives zeros
    times_s   (T,) of the frames
    """
    rows_s = _rows_s(plan.duration_s)
    slow, quick = _slow_deg(plan, breathing, style, rows_s), _quick_deg(plan, style, rows_s)
    quick_gain, gain = _gains(slow, quick, SPEED_MARGIN * style.speed_limit_deg_s)
    slow, quick = _slow_deg(plan, breathing, style, times_s), _quick_deg(plan, style, times_s)
    shift = _shift(plan, style, times_s)
    return limited((slow + quick_gain * quick) * gain, shift, style, strength)


def limited(angles_deg: Float64, shift: Float64, style: Style, strength: float) -> HeadMotion:
    """Motion at the strength of the table -> as strong as asked, within the style's limits.

    angles_deg  (T, 3) yaw, pitch and roll
    shift       (T, 2) right and up, face widths
    """
    share = strength / TABLE_STRENGTH
    # 0 - 0 may be -0, which would make "no motion" depend on who compares.
    angles = soft_limit(angles_deg * share, style.limit_deg) + 0.0
    shift = soft_limit(shift * share, SHIFT_LIMIT_DEVIATIONS * style.shift_face_widths) + 0.0
    return HeadMotion(*angles.T, *shift.T)


def _rows_s(duration_s: float) -> Float64:
    """Moments close enough to read a head's speed from."""
    return np.arange(int(duration_s * CURVE_RATE_HZ) + 2, dtype=np.float64) / CURVE_RATE_HZ


def _slow_deg(
    plan: HeadMotionPlan, breathing: Breathing, style: Style, times_s: Float64
) -> Float64:
    """(T, 3) yaw, pitch and roll of sway and breath, at the strength of the table."""
    angles = slow_deg(_sway(plan, times_s), breathing.at(times_s), style)
    faded: Float64 = angles * away_from_ends(times_s, plan.duration_s)[:, None]
    return faded


def _quick_deg(plan: HeadMotionPlan, style: Style, times_s: Float64) -> Float64:
    """(T, 3) the same of beats and nods."""
    angles = quick_deg(plan.beats, plan.nods, style, times_s)
    faded: Float64 = angles * away_from_ends(times_s, plan.duration_s)[:, None]
    return faded


def slow_deg(sway: Float64, risen: Float64, style: Style) -> Float64:
    """(T, 3) yaw, pitch and roll that sway and breath ask for.

    sway   (T, 5) of each of AXES, in deviations
    risen  (T,) the chest
    """
    angles = sway[:, :3] * (style.yaw_sway_deg, style.pitch_sway_deg, style.roll_sway_deg)
    angles[:, 1] += BREATH_PITCH_DEG * TABLE_STRENGTH * risen
    return angles


def quick_deg(beats: Postures, nods: Nods, style: Style, times_s: Float64) -> Float64:
    """(T, 3) the same of beats and nods."""
    angles: Float64 = style.beat_deg * beats.at(times_s) * BEAT_SHARES
    angles[:, 1] -= style.nod_deg * nodding(nods, times_s)
    return angles


def shift_of(sway: Float64, style: Style) -> Float64:
    """(T, 2) right and up, face widths. sway (T, 5) of each of AXES, in deviations."""
    own_share = np.sqrt(1.0 - LEAN_SHARE**2)
    sideways = LEAN_SHARE * sway[:, 2] + own_share * sway[:, 3]
    both: Float64 = np.stack([sideways, sway[:, 4]], axis=1) * style.shift_face_widths
    return both


def _gains(slow_deg: Float64, quick_deg: Float64, allowed_deg_s: float) -> tuple[float, float]:
    """How much of the quick motion, and of all, keeps the speed that is allowed.

    What is quick gives way first: a head that sways less because it nods much looks held.

    slow_deg, quick_deg  (T, 3) in curve rows
    returns              gain of the quick part, gain of the sum
    """

    def fastest(quick_gain: float) -> float:
        return float(np.percentile(_speed_deg_s(slow_deg + quick_gain * quick_deg), 95.0))

    if fastest(1.0) <= allowed_deg_s:
        return 1.0, 1.0
    low, high = LEAST_QUICK, 1.0
    if fastest(low) > allowed_deg_s:
        return low, allowed_deg_s / fastest(low)
    for _ in range(GAIN_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fastest(middle) <= allowed_deg_s else (low, middle)
    return low, 1.0


def _shift(plan: HeadMotionPlan, style: Style, times_s: Float64) -> Float64:
    """(T, 2) right and up, face widths, at the strength of the table, before limits."""
    both = shift_of(_sway(plan, times_s), style)
    faded: Float64 = both * away_from_ends(times_s, plan.duration_s)[:, None]
    return faded


def _sway(plan: HeadMotionPlan, times_s: Float64) -> Float64:
    """(T, 5) slow movement of each of AXES, standard deviation about 1."""
    pace_s = np.interp(times_s, _rows_s(plan.duration_s), plan.pace_s)
    return swaying(plan.drifts, plan.postures, pace_s, times_s)


def swaying(
    drifts: tuple[Drift, ...], postures: Postures, pace_s: Float64, times_s: Float64
) -> Float64:
    """(T, 5) wandering and poses together, standard deviation about 1.

    pace_s  (T,) what the drifts' clock shows
    """
    drifting = np.stack([drift.at(pace_s) for drift in drifts], axis=1)
    return DRIFT_SHARE * drifting + POSTURE_SHARE * postures.at(times_s)


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
    depths = rng.uniform(*NOD_DEPTH, size=count) * stresses.weights
    return Nods(lowest_s[index], lengths_s[index], depths[index])


def _speed_deg_s(angles_deg: Float64) -> Float64:
    """(T, 3) angles in curve rows -> (T,) how fast the head turns, all axes together."""
    velocity = np.gradient(angles_deg, 1.0 / CURVE_RATE_HZ, axis=0)
    speed: Float64 = np.sqrt(np.sum(velocity**2, axis=1))
    return speed
