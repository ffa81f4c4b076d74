"""Live: the controls of one frame after the other, while the voice is still coming.

Flow      articulation.live, Direction -> animation.live -> engines.session -> rig
Reads     ArticulationCurves of a window, as far as they are known; Direction, which may change
Gives     a row of controls for each frame

The parts are those of `direct`: lips by `lip_motion` over the window, head, gaze, brows, lids and
breath by the same movements, planned as they become known (animation.live_plans). In idleness all
but the mouth goes on. Nothing here knows what time it is: frame n shows the moment n / fps.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from portravox.animation.attention import BLINKS, Attention
from portravox.animation.blink import Blinks
from portravox.animation.brows import (
    SET_FADE_S,
    SET_HOLD_S,
    SET_MOVE_S,
    BrowMotion,
    brows_at,
)
from portravox.animation.direct import BLINK_PAUSE_S, control_rows
from portravox.animation.drift import draw_drift
from portravox.animation.easing import FADE_IN_S, minimum_jerk
from portravox.animation.emphasis import melody, stresses
from portravox.animation.expression import amounts, drawn_wane, shown, with_expression
from portravox.animation.following import Follower
from portravox.animation.gaze import gaze_at
from portravox.animation.head import (
    AXES,
    BANDS_HZ,
    BEAT_SHARES,
    LEAST_QUICK,
    PACE_CHANGE_S,
    PAUSE_S,
    POSTURE_HOLD_S,
    POSTURE_MOVE_S,
    SPEED_MARGIN,
    HeadMotion,
    limited,
    nodding,
    quick_deg,
    shift_of,
    slow_deg,
    swaying,
)
from portravox.animation.idle import FADE_S as IDLE_FADE_S
from portravox.animation.idle import (
    IS_MOUTH,
    QUIET_S,
    RELAX_S,
    RELAXED,
    SMILE_HELD_S,
    Idle,
    with_idle,
)
from portravox.animation.lips import (
    CLOSE_S,
    GATHER_S,
    OPEN_S,
    WIDEST_GAP,
    LipMotion,
    lip_motion,
)
from portravox.animation.live_plans import (
    HELD_PACE,
    MOVING_PACE,
    SPOKEN_PACE,
    BeatsAndNods,
    BrowLifts,
    LiveBlinks,
    LiveBreath,
    LiveGaze,
    PhrasePoses,
)
from portravox.animation.phrases import joined, speech_spans
from portravox.animation.postures import LEAD_S
from portravox.animation.smile import BAND_HZ, FADE_S, SKEW_BAND_HZ, SmileMotion, mood, smile_at
from portravox.animation.smile import PAUSE_S as SMILE_PAUSE_S
from portravox.animation.styles import STYLES, Style
from portravox.animation.trailing import Trailing, with_trailing
from portravox.arrays import Float32, Float64
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.options import Direction

HUSH_S: Final = 0.12
"""An interrupted mouth is at rest within this time."""

EXPRESSION_S: Final = 0.9
"""So is another expression. Our choice: faces change more slowly than minds."""

PARAMETER_S: Final = 0.6
"""A parameter that changes is eased within this time."""

STRESS_MARGIN_S: Final = 0.05
"""A stress is believed when so much after it is known."""

STRESS_REACH_S: Final = 0.35
"""One that is found later than this is left out."""

STRESS_EVERY: Final = 3
"""Frames between two looks for stresses: they are further apart."""

LIPS_S: Final = 1
"""Whole seconds before that of a frame over which the lips are decided."""

STRESS_SPACING_S: Final = 0.3

MELODY_DEVIATION_SEMITONES: Final = 2.5
MELODY_SETTLE_S: Final = 0.25
"""Of a voice that reads, and how fast brows follow it. Our choice."""

QUANTILE_STEP: Final = 0.015
"""By how much of what is allowed the estimate of the head's speed moves in a frame."""

TURN_PAUSE_S: Final = 0.8
"""Who was silent for longer begins another turn."""

ENDED_S: Final = 0.1
"""A phrase is over if so much silence is known after it."""

_MOUTH: Final = tuple(field.name for field in dataclasses.fields(LipMotion))


class LiveDirector:
    """The person of one session. Not for two threads at once."""

    def __init__(self, direction: Direction, photo_smile: float = 0.0) -> None:
        """photo_smile: 0..1 how much the photograph smiles, which expressions take from and nobody
        holds for long"""
        blink_rng, head_rng, breath_rng, gaze_rng, brow_rng, smile_rng, wane_rng, *rngs = (
            np.random.default_rng(direction.seed).spawn(9)
        )
        idle_rng, attention_rng = rngs
        self._idle = Idle(idle_rng)
        self._quiet = Follower(0.0, IDLE_FADE_S)
        self._attention = Attention(attention_rng)
        self._photo_smile = photo_smile
        self._relaxing = Follower(0.0, RELAX_S)
        self._wane = drawn_wane(wane_rng)
        self._expression = Follower(np.zeros_like(amounts(direction)), EXPRESSION_S)
        self._direction = direction
        self._fps = direction.video_fps
        self._style = Follower(_numbers(STYLES[direction.template_id]), PARAMETER_S)
        self._strengths = Follower(_strengths(direction), PARAMETER_S)
        drift_rng, pose_rng, beat_rng = head_rng.spawn(3)
        self._drifts = tuple(draw_drift(band_hz, drift_rng) for band_hz in BANDS_HZ)
        self._poses = PhrasePoses(len(AXES), POSTURE_HOLD_S, POSTURE_MOVE_S, pose_rng, idles=True)
        self._beats = BeatsAndNods(len(BEAT_SHARES), beat_rng)
        self._pace = Follower(HELD_PACE, PACE_CHANGE_S)
        self._trailing = Trailing(self._fps)
        self._pace_s = 0.0
        self._fast_deg_s = 0.0
        self._angles: Float64 | None = None
        self._breath = LiveBreath(breath_rng)
        self._blinks = LiveBlinks(direction.eye_move_freq, self._fps, blink_rng)
        self._gaze = LiveGaze(gaze_rng)
        lift_rng, set_rng = brow_rng.spawn(2)
        self._lifts = BrowLifts(lift_rng)
        self._sets = PhrasePoses(2, SET_HOLD_S, SET_MOVE_S, set_rng, idles=False)
        self._set_presence = Follower(0.0, SET_FADE_S)
        self._melody = Follower(0.0, MELODY_SETTLE_S)
        mood_rng, skew_rng = smile_rng.spawn(2)
        self._mood, self._lean = draw_drift(BAND_HZ, mood_rng), draw_drift(SKEW_BAND_HZ, skew_rng)
        self._smile_presence = Follower(0.0, FADE_S)
        self._last_stress_s = -np.inf
        self._spoke_s = -np.inf
        """The last moment at which somebody spoke."""
        self._phrase_end_s = -np.inf
        self._was_speaking = False
        self._began_s = -np.inf
        """When the turn that is spoken did, or the last one."""
        self._mouth = np.zeros(len(_MOUTH))
        """As it was shown last."""
        self._hushed_s = -np.inf
        self._jump = np.zeros(len(_MOUTH))
        """Between what was shown and what is planned at an interruption."""
        self._hush = False

    def change(self, direction: Direction, now_s: float) -> None:
        """Another direction from now on; frame rate, seed and picture are those of the first."""
        self._direction = direction
        self._pace_blinks(now_s)

    def listen(self, attends: bool, now_s: float) -> None:
        """Somebody begins to speak to the person, or falls silent."""
        self._attention.change(attends, now_s)
        self._pace_blinks(now_s)

    def _pace_blinks(self, now_s: float) -> None:
        share = BLINKS if self._attention.attends else 1.0
        self._blinks.change(share * self._direction.eye_move_freq, now_s)

    def cut(self, now_s: float) -> None:
        """The voice is interrupted at this moment: what has not begun is left out."""
        self._hush = True
        self._beats.drop_after(now_s)
        self._lifts.drop_after(now_s)

    def row(self, frame: int, curves: ArticulationCurves | None, first: int) -> Float32:
        """(C,) the controls of the next frame.

        frame   its number; each call has the next one
        curves  of rows from `first` on, at a whole second, as far as they are known; None: the
                voice has been silent for seconds
        """
        now_s, step_s = frame / self._fps, 1.0 / self._fps
        style = _style(
            self._style.follow(_numbers(STYLES[self._direction.template_id]), step_s),
            STYLES[self._direction.template_id],
        )
        strengths = self._strengths.follow(_strengths(self._direction), step_s)
        head_strength, mouth_strength = float(strengths[0]), float(strengths[1])
        spans, known_s, spoke_s = np.zeros((0, 2)), now_s, self._spoke_s
        if curves is not None:
            spans = speech_spans(curves["activity"]) + first / CURVE_RATE_HZ
            known_s = (first + len(curves.values)) / CURVE_RATE_HZ
            self._note_phrases(spans, now_s, known_s)
            if frame % STRESS_EVERY == 0:
                self._note_stresses(curves, first, now_s, style)
        leave = float(minimum_jerk(np.array(now_s / FADE_IN_S)))
        speaking, ending = self._phrase(spans, now_s, known_s)
        if self._was_speaking and not speaking:
            self._beats.settle(now_s)
        if speaking and now_s - spoke_s > TURN_PAUSE_S:
            self._began_s = now_s
        self._was_speaking = speaking
        self._attention.decide(now_s, speaking)
        chest = self._breath.at(now_s) * leave
        head = self._head(now_s, speaking, ending, style, head_strength, leave, chest)
        turned_s = max(self._poses.left_s, self._gaze.left_s)
        lids = self._blinks.at(now_s, max(self._phrase_end_s, turned_s))
        attends = self._attention.attends and not speaking
        gaze = gaze_at(self._gaze.at(now_s, style.looks_away, attends), head, lids)
        brows = self._brows(now_s, curves, first, speaking, ending, style, leave, lids)
        smile = self._smile(now_s, spans, style, mouth_strength)
        lips = self._lips(frame, curves, first, mouth_strength)
        rows = control_rows(lips, smile, brows, lids, gaze, head, chest, head_strength)
        rows = with_idle(rows, self._stirring(now_s, speaking, mouth_strength))
        amount = self._expression.follow(amounts(self._direction), step_s)
        waned = shown(self._wane, np.array([now_s]))[:, None] * amount
        waned[:, -1] = np.maximum(waned[:, -1], self._relaxed(now_s, speaking))
        rows = with_expression(
            rows,
            waned,
            head_strength=head_strength,
            mouth_strength=mouth_strength,
            photo_smile=self._photo_smile,
        )
        controls: Float32 = with_trailing(rows, self._trailing)[0]
        return controls

    def _stirring(self, now_s: float, speaking: bool, mouth_strength: float) -> Float64:
        """(1, P) what the face does while nobody speaks, of idle.PARTS."""
        silent = not speaking and now_s - self._spoke_s > QUIET_S
        quiet = self._quiet.follow(1.0 if silent else 0.0, 1.0 / self._fps)
        strengths = np.where(IS_MOUTH, min(1.0, mouth_strength), 1.0)
        stirring: Float64 = self._idle.at(np.array([now_s])) * float(quiet) * strengths
        return stirring

    def _relaxed(self, now_s: float, speaking: bool) -> float:
        """How much of the photograph's smile is taken back while nobody speaks; nothing of a smile
        that was asked for."""
        held = speaking or now_s - max(self._spoke_s, 0.0) < SMILE_HELD_S
        smiles = self._photo_smile > 0.0 and self._direction.expression == "neutral"
        goal = RELAXED if smiles and not held else 0.0
        return float(self._relaxing.follow(goal, 1.0 / self._fps))

    def _note_phrases(self, spans: Float64, now_s: float, known_s: float) -> None:
        """When the person last spoke, and when a phrase ended."""
        begun = spans[spans[:, 0] <= now_s]
        if len(begun):
            self._spoke_s = max(self._spoke_s, min(now_s, float(begun[-1, 1])))
        ends = joined(spans, BLINK_PAUSE_S)[:, 1]
        over = ends[(ends <= now_s) & (ends <= known_s - ENDED_S)]
        if len(over):
            self._phrase_end_s = float(over[-1])

    def _note_stresses(
        self, curves: ArticulationCurves, first: int, now_s: float, style: Style
    ) -> None:
        """Stressed syllables that have become known."""
        found = stresses(curves)
        moments_s = found.times_s + first / CURVE_RATE_HZ
        known_s = (first + len(curves.values)) / CURVE_RATE_HZ - STRESS_MARGIN_S
        for moment_s, weight in zip(moments_s.tolist(), found.weights.tolist(), strict=True):
            new = moment_s >= self._last_stress_s + STRESS_SPACING_S
            if new and now_s - STRESS_REACH_S <= moment_s <= known_s:
                self._last_stress_s = moment_s
                self._beats.on_stress(moment_s, weight, now_s)
                self._lifts.on_stress(moment_s, weight, now_s, self._began_s, style)

    def _phrase(self, spans: Float64, now_s: float, known_s: float) -> tuple[bool, bool]:
        """Whether the head is in a phrase, or about to be; whether that is known to end soon. A
        voice that comes as it is spoken is known for less than a pose takes, and goes on."""
        speaking = now_s - self._spoke_s < PAUSE_S
        coming = spans[(spans[:, 0] - LEAD_S <= now_s) & (spans[:, 1] > now_s)]
        end_s = float(spans[-1, 1]) if len(spans) else now_s
        is_over = end_s <= known_s - ENDED_S and end_s - now_s < POSTURE_MOVE_S[0] / 2
        ending = not len(coming) or is_over
        return speaking or len(coming) > 0, speaking and ending

    def _head(
        self,
        now_s: float,
        speaking: bool,
        ending: bool,
        style: Style,
        strength: float,
        leave: float,
        chest: Float64,
    ) -> HeadMotion:
        times_s = np.array([now_s])
        self._poses.decide(now_s, speaking, ending)
        moves = self._poses.queue.moves(now_s) or self._beats.beats.moves(now_s)
        held = SPOKEN_PACE if speaking else HELD_PACE
        pace = self._pace.follow(MOVING_PACE if moves else held, 1.0 / self._fps)
        self._pace_s += float(pace) / self._fps
        sway = swaying(
            self._drifts, self._poses.queue.plan(now_s), np.array([self._pace_s]), times_s
        )
        slow = slow_deg(sway, chest, style)
        quick = quick_deg(self._beats.beats.plan(now_s), self._beats.nods(now_s), style, times_s)
        quick[:, 1] -= style.nod_deg * nodding(self._attention.nods(now_s), times_s)
        gain = self._quick_gain(slow + quick, SPEED_MARGIN * style.speed_limit_deg_s, speaking)
        return limited(
            (slow + gain * quick) * leave, shift_of(sway, style) * leave, style, strength
        )

    def _quick_gain(self, angles: Float64, allowed_deg_s: float, speaking: bool) -> float:
        """How much of the quick motion keeps the allowed speed, by that of speech so far."""
        before, self._angles = self._angles, angles
        if before is not None and speaking:
            speed = float(np.sqrt(np.sum((angles - before) ** 2))) * self._fps
            above = speed > self._fast_deg_s
            # the 95th percentile is where 5 % above weigh as much as 95 % below
            step = QUANTILE_STEP * allowed_deg_s * 25.0 / self._fps
            self._fast_deg_s = max(0.0, self._fast_deg_s + step * (0.95 if above else -0.05))
        return float(np.clip(allowed_deg_s / max(self._fast_deg_s, 1e-6), LEAST_QUICK, 1.0))

    def _brows(
        self,
        now_s: float,
        curves: ArticulationCurves | None,
        first: int,
        speaking: bool,
        ending: bool,
        style: Style,
        leave: float,
        lids: Blinks,
    ) -> BrowMotion:
        step_s = 1.0 / self._fps
        goal = 0.0
        if curves is not None and speaking:
            tune = melody(curves, usual=0.0, deviation=MELODY_DEVIATION_SEMITONES)
            goal = float(np.interp(now_s - first / CURVE_RATE_HZ, curves.times_s, tune))
        tune_now = self._melody.follow(goal, step_s)
        self._sets.decide(now_s, speaking, ending)
        presence = self._set_presence.follow(1.0 if speaking else 0.0, step_s)
        sets = self._sets.queue.plan(now_s).at(np.array([now_s])) * style.brow_set * presence
        lifted, skew = self._lifts.at(now_s)
        lifted = np.maximum(lifted, self._attention.lifted(now_s))
        level = (lifted + sets[:, 0] + style.brow_follow * tune_now) * leave
        return brows_at(level, lifted * leave, (skew + 0.5 * sets[:, 1]) * leave, lids)

    def _smile(self, now_s: float, spans: Float64, style: Style, strength: float) -> SmileMotion:
        times_s = np.array([now_s])
        coming = bool(np.any((spans[:, 0] - FADE_S <= now_s) & (spans[:, 1] > now_s)))
        shown = coming or now_s - self._spoke_s < SMILE_PAUSE_S
        presence = self._smile_presence.follow(1.0 if shown else 0.0, 1.0 / self._fps)
        return smile_at(
            mood(self._mood, times_s),
            np.tanh(self._lean.at(times_s)),
            np.array([float(presence) * min(1.0, strength)]),
            style,
        )

    def _lips(
        self, frame: int, curves: ArticulationCurves | None, first: int, strength: float
    ) -> LipMotion:
        """(1,) the mouth, led from what it was to what is planned."""
        planned = np.zeros(len(_MOUTH))
        if curves is not None:
            # the mouth remembers no longer than LONG_PAUSE_S, and windows begin at whole seconds
            later = max(first, (frame // self._fps - LIPS_S) * CURVE_RATE_HZ)
            values = curves.values[later - first :]
            curves, first = ArticulationCurves(values, len(values) / CURVE_RATE_HZ), later
            start = first * self._fps // CURVE_RATE_HZ  # `first` is at a whole second
            last = max(frame, (first + len(curves.values)) * self._fps // CURVE_RATE_HZ)
            times_s = np.arange(last - start + 1) / self._fps
            motion = lip_motion(curves, strength, times_s, self._fps)
            planned = np.array([getattr(motion, name)[frame - start] for name in _MOUTH])
        now_s, step_s = frame / self._fps, 1.0 / self._fps
        if self._hush:
            self._hush = False
            self._hushed_s = now_s - step_s
            self._jump = self._mouth - planned
        left = 1.0 - minimum_jerk(np.array((now_s - self._hushed_s) / HUSH_S))
        shown = planned + float(left) * self._jump
        self._mouth = _within_reach(self._mouth, shown, step_s)
        return LipMotion(*(np.array([value]) for value in self._mouth))


def _within_reach(before: Float64, asked: Float64, step_s: float) -> Float64:
    """(8,) no further from the last frame than lips get: what becomes known late comes a little
    later instead of jumping."""
    up, down = np.full(len(asked), np.inf), np.full(len(asked), np.inf)
    given, gap = _MOUTH.index("speech"), _MOUTH.index("lip_gap")
    # a movement of least jerk is at most 15/8 of its mean speed
    up[given] = down[given] = 15 / 8 * step_s / GATHER_S
    up[gap], down[gap] = WIDEST_GAP * step_s / OPEN_S, WIDEST_GAP * step_s / CLOSE_S
    return np.clip(asked, before - down, before + up)


def _strengths(direction: Direction) -> Float64:
    return np.array([direction.head_move_strength, direction.mouth_move_strength])


def _numbers(style: Style) -> Float64:
    """(N,) all that is a number in a style."""
    values = dataclasses.astuple(style)[:-1]
    return np.concatenate([np.atleast_1d(np.array(value, np.float64)) for value in values])


def _style(numbers: Float64, like: Style) -> Style:
    """The style of those numbers; what is no number is as in another."""
    left = numbers.tolist()
    made: dict[str, float | tuple[float, float]] = {}
    for field in dataclasses.fields(like)[:-1]:
        if isinstance(getattr(like, field.name), tuple):
            made[field.name] = (left.pop(0), left.pop(0))
        else:
            made[field.name] = left.pop(0)
    return dataclasses.replace(like, **made)  # type: ignore[arg-type] # by the fields' own types
