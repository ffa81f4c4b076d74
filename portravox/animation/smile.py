"""Smile: the trace of friendliness in a speaking face, and the lower lids that go with it.

Flow      phrases, mouth_move_strength -> animation.smile -> ControlTrack -> rig
Reads     when the person speaks, the style
Gives     SmileMotion: one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.drift import Drift, draw_drift
from portravox.animation.easing import away_from_ends
from portravox.animation.phrases import joined, presence
from portravox.animation.styles import Style
from portravox.arrays import Float64

LEAST = 0.05
"""Of a smile while speaking; the style has the most."""

BAND_HZ = (0.05, 0.2)
PAUSE_S = 1.5
FADE_S = 0.8
"""A smile comes and goes over seconds, and stays over shorter pauses. Our choice."""

SKEW_SHARE = 0.4
SKEW_BAND_HZ = (0.1, 0.6)
"""The corners of the mouth never do quite the same: the largest difference, as share of the style's
smile, and how fast it changes. Our choice."""

SQUINT_SHARE = 0.5
"""A smile without the lids looks put on."""


@dataclass(frozen=True, slots=True, eq=False)
class SmileMotion:
    """(T,) each, ranged as in controls.CONTROLS."""

    smile: Float64
    skew: Float64
    squint: Float64


def smile_motion(
    spans: Float64,
    style: Style,
    strength: float,
    duration_s: float,
    times_s: Float64,
    rng: np.random.Generator,
) -> SmileMotion:
    """The smile at each frame; none on the first and the last.

    spans     (S, 2) segments of speech
    strength  mouth_move_strength; grows with it up to 1; 0 gives zeros
    times_s   (T,) of the frames
    """
    smile_rng, skew_rng = rng.spawn(2)
    wander = mood(draw_drift(BAND_HZ, smile_rng), times_s)
    lean = np.tanh(draw_drift(SKEW_BAND_HZ, skew_rng).at(times_s))
    speaking = presence(times_s, joined(spans, PAUSE_S), FADE_S, FADE_S)
    shown = speaking * away_from_ends(times_s, duration_s) * min(1.0, strength)
    return smile_at(wander, lean, shown, style)


def smile_at(wander: Float64, lean: Float64, shown: Float64, style: Style) -> SmileMotion:
    """The smile of a wandering mood. wander (T,) 0..1, lean (T,) -1..1, shown (T,) 0..1."""
    smile = (LEAST + (style.smile - LEAST) * wander) * shown
    return SmileMotion(
        smile=smile,
        skew=SKEW_SHARE * style.smile * lean * shown + 0.0,  # 0 and not -0 where none is shown
        squint=SQUINT_SHARE * smile,
    )


def mood(drift: Drift, times_s: Float64) -> Float64:
    """(T,) 0..1 how much of the style's smile is shown."""
    wander: Float64 = 0.5 + 0.5 * np.tanh(drift.at(times_s))
    return wander
