"""Lips: what the mouth does, frame by frame.

Flow      articulation.curves -> animation.lips -> ControlTrack -> rig
Reads     all channels but pitch; mouth_move_strength
Gives     LipMotion: the eight mouth controls that follow the voice
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.easing import minimum_jerk
from portravox.animation.phrases import presence, spans_of, speech_spans
from portravox.animation.smoothing import low_pass, slowed, spread_out, weighted_smooth
from portravox.arrays import AnyFloat, Bool, Float64
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves

LEAD_S = 0.02
"""The mouth is this far ahead of the sound. Viewers forgive a late sound more than an early
one (ITU-R BT.1359-1); 0 to 40 ms is the range of natural speech."""

WIDEST_GAP = 0.34
"""Mouth widths between the lips at aperture 1 and strength 1: a loud /a/."""

WIDE_RANGE = (0.45, 0.78)
ROUND_RANGE = (0.10, 0.75)
"""Of the channels spread and rounding: at the first the corners are where they rest, as in silence
and between the vowels; from the second on they are as far as they go. The first are the channels'
targets of a mouth at rest, the second what the most spread and the most rounded hundredth of
speech reaches."""

WIDE_FLATTENS = 0.10
"""Lips drawn fully apart sideways open less by this share: in i and s the teeth nearly meet, and
the lower lip covers the lower ones. Our choice."""

GAP_LIMIT = 0.5

CLOSE_S = 0.06
OPEN_S = 0.08
"""Least time from wide open to shut, and back. Our choice, from articulography."""

SHUT = 0.5
"""From this evidence on the lips are shut (the channel's own definition)."""

BITTEN = 0.5
"""From this evidence on the lower lip is at the teeth."""

CLOSING = 0.25
"""From this evidence on they draw together."""

PRESS_RANGE = (0.6, 1.0)
"""lip_press at the weakest and at the strongest evidence of a closure."""

PRESS_RAMP_S = 0.06
PRESS_GAP = 0.08
"""The pressure builds up and eases off within this time, and only while the lips are closer
than this, in mouth widths. Our choice."""

TEETH_APERTURE = 0.12
"""The lips' opening in f and v, where the lower one touches the upper teeth."""

PRE_OPEN_S = 0.08
"""The mouth opens this long before the first sound after a pause: 60 to 100 ms in life."""

PRE_OPEN_LOOK_S = 0.04
"""It opens to what the voice will ask for this far into the sound."""

REST_S = 0.15
"""Time in which the lips come together when speech stops."""

HOLD_S = 0.25
RELEASE_S = 0.2
"""After speech the mouth waits, then goes back to the photograph's within this time."""

GATHER_S = 0.15
"""Before the lips part for speech the mouth leaves the photograph's expression within this time, so
that a smile is gone when the first sound is a /p/. Lips begin to move 100 to 300 ms before the
sound."""

SHORT_PAUSE_S = 0.35
LONG_PAUSE_S = 0.9
"""In pauses up to the first the mouth stays given over to speech, from the second on it goes
back entirely: a smile that flashes up between two words looks like a tic. Our choice."""

PARTED_APERTURE = 0.15
"""So far the lips stay apart in short pauses. Between phrases the mouth keeps a posture of its own
and does not go to rest (Ramanarayanan, Goldstein, Byrd & Narayanan 2013, J. Acoust. Soc. Am.
134(1), by magnetic resonance), and people draw breath through nose and mouth together (Lester &
Hoit 2014, J. Speech Lang. Hear. Res. 57). People who were filmed have them farther apart (decision
97). Our choice: a photograph's lips are shut, and a pause may have no breath in it."""

JAW_CUTOFF_HZ = 5.0
"""The jaw is heavy: in fast speech it follows less than the lips do. Our choice."""

FRAMES_PER_CYCLE = 2.5
"""What moves faster than fps / 2.5 would flicker instead of move."""

STYLE_LOUDNESS_DB = (-15.0, 0.0, 10.0)
STYLE_GAIN = (0.6, 1.0, 1.25)
"""Loud speech opens wider (Huber 2006); the numbers are our choice."""

STYLE_SIGMA_S = 0.25
"""Wider than a syllable: how loud the phrase is, not which of its syllables is stressed."""

FAINT_STRENGTH = 0.25
"""Below this strength the photograph's own mouth comes back too, so that the picture changes
little by little down to strength 0."""


@dataclass(frozen=True, slots=True, eq=False)
class LipMotion:
    """(T,) each, named and ranged as in controls.CONTROLS."""

    speech: Float64
    lip_gap: Float64
    jaw: Float64
    lip_wide: Float64
    lip_round: Float64
    lip_press: Float64
    lip_teeth: Float64
    tongue_up: Float64


def lip_motion(
    curves: ArticulationCurves,
    strength: float,
    times_s: Float64,
    fps: int,
    *,
    parted: bool = False,
) -> LipMotion:
    """The mouth at each frame.

    Every closure of the lips and every lip at the teeth is seen: one that falls between two frames
    is shown on the nearer.

    strength  0..1.5, scales every movement; 0 gives zeros
    times_s   (T,) of the frames
    parted    lips stay a little apart in short pauses; only where it is known how long they last
    """
    rows_s = curves.times_s
    spans = speech_spans(curves["activity"])
    moving = presence(rows_s, spans, PRE_OPEN_S, REST_S)
    cutoff_hz = fps / FRAMES_PER_CYCLE
    gain = _style_gain(curves)

    bite = low_pass(curves["labiodental"], cutoff_hz) * moving
    bitten = (curves["labiodental"] >= BITTEN) & (moving > 0.0)
    wide = _within(curves["spread"], WIDE_RANGE)
    opening = low_pass(curves["aperture"] * gain * (1.0 - WIDE_FLATTENS * wide), cutoff_hz)
    opening = _pre_opened(opening, curves["closure"], rows_s, spans) * moving
    if parted:
        opening = np.maximum(opening, _parted(rows_s, spans))
    opening += bite * (np.minimum(opening, TEETH_APERTURE) - opening)
    closing = ((curves["closure"] - CLOSING) / (SHUT - CLOSING)).astype(np.float64)
    opening *= 1.0 - minimum_jerk(closing)
    shut = (curves["closure"] >= SHUT) & (moving > 0.0)
    opening = slowed(np.where(shut, 0.0, opening), rise_s=OPEN_S, fall_s=CLOSE_S)
    gap = np.minimum(opening * WIDEST_GAP * strength, GAP_LIMIT)

    pressure = (
        _pressure(curves["closure"], shut) * moving * np.clip(1.0 - gap / PRESS_GAP, 0.0, 1.0)
    )
    jaw = low_pass(curves["jaw"] * gain, min(JAW_CUTOFF_HZ, cutoff_hz))

    def at_frames(rows: Float64) -> Float64:
        return np.interp(times_s + LEAD_S, rows_s, rows)

    gap_shown, pressure_shown, teeth_shown = at_frames(gap), at_frames(pressure), at_frames(bite)
    for start_s, end_s in spans_of(bitten):
        frame, seen = _frame_of_contact(start_s - LEAD_S, end_s - LEAD_S, times_s, fps)
        if not seen:
            middle_s = 0.5 * (start_s + end_s)
            teeth_shown[frame] = max(teeth_shown[frame], np.interp(middle_s, rows_s, bite))
            gap_shown[frame] = min(gap_shown[frame], np.interp(middle_s, rows_s, gap))
    for start_s, end_s in spans_of(shut):
        frame, seen = _frame_of_contact(start_s - LEAD_S, end_s - LEAD_S, times_s, fps)
        if not seen:
            gap_shown[frame] = 0.0
            pressure_shown[frame] = np.interp(0.5 * (start_s + end_s), rows_s, pressure)

    faint = min(1.0, strength)

    def shape(rows: AnyFloat, scale: float) -> Float64:
        smooth = low_pass(rows, cutoff_hz) * moving
        return np.clip(at_frames(smooth) * scale, 0.0, 1.0)

    return LipMotion(
        speech=at_frames(_given_over(rows_s, spans)) * min(1.0, strength / FAINT_STRENGTH),
        lip_gap=gap_shown,
        jaw=np.clip(at_frames(jaw * moving) * strength, 0.0, 1.0),
        lip_wide=shape(wide, strength),
        lip_round=shape(_within(curves["rounding"], ROUND_RANGE), strength),
        lip_press=np.clip(pressure_shown * faint, 0.0, 1.0),
        lip_teeth=np.clip(teeth_shown * faint, 0.0, 1.0),
        tongue_up=shape(curves["tongue"], faint),
    )


def _within(rows: AnyFloat, ends: tuple[float, float]) -> Float64:
    """(T,) 0 at the first of two ends and before, 1 at the second and beyond."""
    return np.interp(rows, ends, (0.0, 1.0))


def _style_gain(curves: ArticulationCurves) -> Float64:
    """(T,) how much wider or narrower than usual the mouth opens, by the phrase's loudness."""
    loudness = weighted_smooth(curves["loudness"], curves["activity"], STYLE_SIGMA_S)
    return np.interp(loudness, STYLE_LOUDNESS_DB, STYLE_GAIN)


def _pre_opened(opening: Float64, closure: AnyFloat, rows_s: Float64, spans: Float64) -> Float64:
    """The opening with the lips parting just before each segment of speech.

    Not where speech begins with shut lips: they would part, meet and part again.
    """
    opened = opening.copy()
    for start_s in spans[:, 0]:
        coming = float(np.interp(start_s + PRE_OPEN_LOOK_S, rows_s, opening))
        first, onset, last = np.searchsorted(
            rows_s, (start_s - PRE_OPEN_S, start_s, start_s + PRE_OPEN_LOOK_S)
        )
        if np.any(closure[first:last] >= CLOSING):
            continue
        parting = coming * minimum_jerk((rows_s[first:onset] - start_s) / PRE_OPEN_S + 1.0)
        opened[first:onset] = np.maximum(opened[first:onset], parting)
        opened[onset:last] = np.maximum(opened[onset:last], coming)
    return opened


def _pressure(closure: AnyFloat, shut: Bool) -> Float64:
    """(T,) lips rolled in: full in closures, building up and easing off around them."""
    in_closure = np.interp(closure, (SHUT, 1.0), PRESS_RANGE)
    return spread_out(np.where(shut, in_closure, 0.0), PRESS_RAMP_S)


def _given_over(rows_s: Float64, spans: Float64) -> Float64:
    """(T,) the control `speech` before it is scaled: 1 from just before speech to a while after.

    Over short pauses it stays up, over longer ones it sinks the deeper the longer they are.
    """
    held = spans + np.array([-PRE_OPEN_S, HOLD_S])  # gathered before the lips part
    level = presence(rows_s, held, GATHER_S, RELEASE_S)
    return np.maximum(level, _held_over(rows_s, spans))


def _held_over(rows_s: Float64, spans: Float64) -> Float64:
    """(T,) in pauses, how much of the speech goes on in them: 1 in short ones, 0 in long ones."""
    level = np.zeros_like(rows_s)
    for end_s, start_s in zip(spans[:-1, 1], spans[1:, 0], strict=True):
        length = (start_s - end_s - SHORT_PAUSE_S) / (LONG_PAUSE_S - SHORT_PAUSE_S)
        first, last = np.searchsorted(rows_s, (end_s, start_s))
        level[first:last] = 1.0 - minimum_jerk(np.asarray(length))
    return level


def _parted(rows_s: Float64, spans: Float64) -> Float64:
    """(T,) opening of lips that wait for the next phrase."""
    return PARTED_APERTURE * _held_over(rows_s, spans)


def _frame_of_contact(start_s: float, end_s: float, times_s: Float64, fps: int) -> tuple[int, bool]:
    """The frame nearest to the middle of a contact, and whether it shows it anyway.

    Between two frames the curves are straight lines between the middles of rows, so only a
    frame between the middles of the first and the last row of a closure reads an exact 0.
    """
    half_row_s = 0.5 / CURVE_RATE_HZ
    frame = int(np.clip(np.round(0.5 * (start_s + end_s) * fps), 0, len(times_s) - 1))
    shown = start_s + half_row_s <= times_s[frame] <= end_s - half_row_s
    return frame, bool(shown)
