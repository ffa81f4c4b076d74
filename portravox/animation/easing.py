"""Shapes in time that every moving part shares: from rest to rest, and away from the ends.

Flow      animation.phrases, animation.lips, animation.gaze, animation.brows, animation.head
Reads     seconds
Gives     shares of a movement, 0..1
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float64

FADE_IN_S = 0.4
FADE_OUT_S = 0.9
"""Our choice: the person leaves and regains the photograph's pose within this time. A head that is
taken back in less snaps."""

SHRINK_BELOW_S = 2.0
"""In shorter clips both fades shrink in proportion."""

REST_BEFORE_END_S = 0.1
"""Back at rest this long before the sound ends. The last frame begins up to 1.5 frames before
the end (the frame count is rounded), which is 0.1 s at 15 fps: so it shows the photograph's
pose at every frame rate, and the movement before it is the same at all of them."""


def minimum_jerk(phase: Float64) -> Float64:
    """Share of a movement done at each moment, for a movement from rest to rest.

    phase    (...)  time since onset / duration of the movement; clipped to [0, 1]
    returns  (...)  0 at onset, 1 at the end, never going back

    Source: Flash & Hogan, J. Neurosci. 5(7), 1985, on arms; using it for faces is our choice.
    """
    p = np.clip(phase, 0.0, 1.0)
    share: Float64 = p**3 * (10.0 - 15.0 * p + 6.0 * p**2)
    return share


def raised_cosine(phase: Float64) -> Float64:
    """As minimum_jerk, but brisker at both ends: half a period of a cosine."""
    share: Float64 = 0.5 - 0.5 * np.cos(np.pi * np.clip(phase, 0.0, 1.0))
    return share


def away_from_ends(times_s: Float64, duration_s: float) -> Float64:
    """How far the person may have left the photograph's pose.

    Clips that begin and end in the same pose can be joined.

    times_s  (T,)
    returns  (T,)  0 at the start and from 0.1 s before the end, 1 in between
    """
    shrink = min(1.0, duration_s / SHRINK_BELOW_S)
    leave = minimum_jerk(times_s / (FADE_IN_S * shrink))
    back = minimum_jerk((duration_s - REST_BEFORE_END_S - times_s) / (FADE_OUT_S * shrink))
    return leave * back
