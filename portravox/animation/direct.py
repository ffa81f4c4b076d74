"""Direct: all that moves in the face, from what the voice does and how the caller wants it.

Flow      articulation.curves, Direction -> animation.direct -> ControlTrack -> rig
Reads     ArticulationCurves, Direction
Gives     ControlTrack

Every part is computed in seconds and read off at the frames, so the same motion is seen at
every frame rate; only blinks and closures of the lips are moved to the nearest frame, lest
they fall between two. Every part has its own random numbers, so that one knob of the
direction changes one part.
"""

from __future__ import annotations

import numpy as np

from portravox.animation.blink import Blinks, blinks
from portravox.animation.breath import draw_breathing
from portravox.animation.brows import BrowMotion, brow_motion
from portravox.animation.controls import CONTROLS, ControlTrack
from portravox.animation.easing import away_from_ends
from portravox.animation.emphasis import melody, stresses
from portravox.animation.expression import (
    amounts,
    drawn_wane,
    eased,
    shown,
    with_expression,
)
from portravox.animation.gaze import GazeMotion, gaze_motion
from portravox.animation.head import HeadMotion, draw_score, head_motion
from portravox.animation.idle import FADE_S, IS_MOUTH, QUIET_S, Idle, with_idle
from portravox.animation.lips import LipMotion, lip_motion
from portravox.animation.phrases import joined, presence, speech_spans
from portravox.animation.singing import with_held_notes
from portravox.animation.smile import SmileMotion, smile_motion
from portravox.animation.styles import STYLES, TABLE_STRENGTH
from portravox.animation.trailing import TRAILING, Trailing, with_trailing
from portravox.arrays import Float32, Float64
from portravox.articulation.curves import ArticulationCurves
from portravox.clock import frame_count, frame_times
from portravox.options import Direction

BLINK_PAUSE_S = 0.15
"""A pause this long ends a phrase as far as blinks go."""


def direct(
    curves: ArticulationCurves, direction: Direction, *, photo_smile: float = 0.0
) -> ControlTrack:
    """The controls of every frame, as many as the sound lasts.

    photo_smile  0..1 how much the photograph smiles, for expressions

    Same curves and same direction give the same controls. A strength or frequency of 0 gives
    exact zeros in the controls it is for. Head, eyes and brows begin and end at 0, the
    photograph's own pose; the mouth does where the sound begins and ends in silence.
    """
    fps = direction.video_fps
    duration_s = curves.duration_s
    times_s = frame_times(frame_count(duration_s, fps), fps)
    style = STYLES[direction.template_id]
    blink_rng, head_rng, breath_rng, gaze_rng, brow_rng, smile_rng, wane_rng, idle_rng = (
        np.random.default_rng(direction.seed).spawn(8)
    )

    spans = speech_spans(curves["activity"])
    stressed = stresses(curves)
    sung = with_held_notes(curves) if direction.template_id == "active" else curves
    lips = lip_motion(sung, direction.mouth_move_strength, times_s, fps, parted=True)
    smile = smile_motion(
        spans, style, direction.mouth_move_strength, duration_s, times_s, smile_rng
    )
    phrase_ends_s = joined(spans, BLINK_PAUSE_S)[:, 1]
    lids = blinks(direction.eye_move_freq, phrase_ends_s, duration_s, times_s, fps, blink_rng)
    breathing = draw_breathing(duration_s, breath_rng)
    score = draw_score(spans, stressed, duration_s, head_rng)
    head = head_motion(score, breathing, style, direction.head_move_strength, times_s)
    gaze = gaze_motion(head, lids, style, duration_s, times_s, gaze_rng)
    tune = np.interp(times_s, curves.times_s, melody(curves))
    brows = brow_motion(stressed, spans, tune, lids, style, duration_s, times_s, brow_rng)
    chest = breathing.at(times_s) * away_from_ends(times_s, duration_s)
    values = control_rows(lips, smile, brows, lids, gaze, head, chest, direction.head_move_strength)
    values = with_idle(values, _stirring(spans, duration_s, times_s, idle_rng))
    there = eased(times_s, duration_s) * shown(drawn_wane(wane_rng), times_s)
    amount = there[:, None] * amounts(direction)
    values = with_expression(
        values,
        amount,
        head_strength=direction.head_move_strength,
        mouth_strength=direction.mouth_move_strength,
        photo_smile=photo_smile,
    )
    values = with_trailing(values, Trailing(fps), away_from_ends(times_s, duration_s))
    return ControlTrack(values=values, fps=fps)


def _stirring(
    spans: Float64, duration_s: float, times_s: Float64, rng: np.random.Generator
) -> Float64:
    """(T, P) what brows and lids do in pauses, of idle.PARTS. The mouth rests in them to the last
    bit: nothing is said, and videos may be cut there."""
    spoken = presence(times_s, spans + np.array([0.0, QUIET_S]), FADE_S, FADE_S)
    quiet = (1.0 - spoken) * away_from_ends(times_s, duration_s)
    stirring: Float64 = Idle(rng).at(times_s) * quiet[:, None] * ~IS_MOUTH
    return stirring


def control_rows(
    lips: LipMotion,
    smile: SmileMotion,
    brows: BrowMotion,
    lids: Blinks,
    gaze: GazeMotion,
    head: HeadMotion,
    chest: Float64,
    head_strength: float,
) -> Float32:
    """(T, C) the controls of all parts but what trails. chest (T,) how far it is risen, 0..1."""
    columns = {
        "speech": lips.speech,
        "lip_gap": lips.lip_gap,
        "jaw": lips.jaw,
        "lip_wide": lips.lip_wide,
        "lip_round": lips.lip_round,
        "lip_press": lips.lip_press,
        "lip_teeth": lips.lip_teeth,
        "tongue_up": lips.tongue_up,
        "smile": smile.smile,
        "smile_skew": smile.skew,
        "corner_drop": np.zeros_like(chest),
        "lip_tight": np.zeros_like(chest),
        "brow_raise": brows.raised,
        "brow_lower": brows.lowered,
        "brow_inner": np.zeros_like(chest),
        "brow_skew": brows.skew,
        "squint": np.maximum(smile.squint, brows.squint),
        "eye_wide": brows.eye_wide,
        "blink_left": lids.left,
        "blink_right": lids.right,
        "gaze_yaw_deg": gaze.yaw_deg,
        "gaze_pitch_deg": gaze.pitch_deg,
        "head_yaw_deg": head.yaw_deg,
        "head_pitch_deg": head.pitch_deg,
        "head_roll_deg": head.roll_deg,
        "head_shift_x": head.shift_x,
        "head_shift_y": head.shift_y,
        "breath": chest * min(1.0, head_strength / TABLE_STRENGTH),
        **dict.fromkeys(TRAILING, np.zeros_like(chest)),
    }
    return np.stack([columns[name] for name in CONTROLS], axis=1).astype(np.float32)
