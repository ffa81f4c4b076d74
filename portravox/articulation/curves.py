"""Articulation curves: what mouth and voice do, a hundred times a second, in any language.

Flow      speech.features -> articulation -> ArticulationCurves -> animation
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import Float32, Float64

CURVE_RATE_HZ = 100
"""Rows per second. Row n covers the 10 ms that begin at n / 100 s."""

CHANNELS = (
    "jaw",
    "aperture",
    "spread",
    "rounding",
    "closure",
    "labiodental",
    "tongue",
    "activity",
    "loudness",
    "pitch",
)
"""jaw          0..1   jaw opening; 1 is the widest of loud speech
aperture     0..1   opening between the lips; 1 is a loud open vowel, 0 is contact
spread       0..1   corners drawn apart (i, e, s)
rounding     0..1   lips rounded and protruded (u, o, w)
closure      0..1   lips shut for p, b, m: 1 in contact, less on the way; from 0.5 on they are shut
labiodental  0..1   lower lip at the upper teeth (f, v), in the same way
tongue       0..1   tongue tip raised and seen (l, th, n, d, t)
activity     0..1   someone is speaking or singing; 0 in pauses, noise and breath
loudness     dB     against the clip's own speech level: 0 is its median, silence about -40
pitch        semitones against the clip's own median; 0 where unvoiced
"""


@dataclass(frozen=True, slots=True, eq=False)
class ArticulationCurves:
    """The curves of one recording."""

    values: Float32
    """(T, K): a row each 10 ms, a column each channel of CHANNELS."""

    duration_s: float
    """Of the recording; T is duration_s * 100, rounded up."""

    notices: tuple[str, ...] = ()
    """What the caller should know: a transcript that does not fit, ..."""

    def __getitem__(self, channel: str) -> Float32:
        """(T,) one channel by its name."""
        column: Float32 = self.values[:, CHANNELS.index(channel)]
        return column

    @property
    def times_s(self) -> Float64:
        """(T,) the middle of each row's 10 ms."""
        return (np.arange(len(self.values), dtype=np.float64) + 0.5) / CURVE_RATE_HZ
