"""Smile: the trace of friendliness in a speaking face, and the lower lids that go with it.

Flow      phrases, mouth_move_strength -> animation.smile -> ControlTrack -> rig
Reads     when the person speaks, the style
Gives     SmileMotion: one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.drift import draw_drift
from portravox.animation.easing import away_from_ends
from portravox.animation.phrases import joined, presence
from portravox.animation.styles import Style
from portravox.arrays import Float64

LEAST = 0.05
"""Of a smile while speaking; the style has the most."""

BAND_HZ = (0.05, 0.2)
PAUSE_S = 0.8
FADE_S = 0.5
"""A smile comes and goes over seconds, and stays over shorter pauses. Our choice."""

SQUINT_SHARE = 0.5
"""A smile without the lids looks put on."""


@dataclass(frozen=True, slots=True, eq=False)
class SmileMotion:
    """(T,) each, ranged as in controls.CONTROLS."""

    smile: Float64
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

    spans     (S, 2) stretches of speech
    strength  mouth_move_strength; grows with it up to 1; 0 gives zeros
    times_s   (T,) of the frames
    """
    wander = 0.5 + 0.5 * np.tanh(draw_drift(BAND_HZ, rng).at(times_s))
    speaking = presence(times_s, joined(spans, PAUSE_S), FADE_S, FADE_S)
    smile = (LEAST + (style.smile - LEAST) * wander) * speaking
    smile *= away_from_ends(times_s, duration_s) * min(1.0, strength)
    return SmileMotion(smile=smile, squint=SQUINT_SHARE * smile)
