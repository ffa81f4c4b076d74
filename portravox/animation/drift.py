"""Slow wandering: the movement of what is never quite still.

Flow      animation.drift -> animation.head, animation.smile
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import Float64

SINUSOIDS = 4
"""Enough that no period is noticed; our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """A sum of sinusoids with mean 0 and, over a long time, standard deviation 1.

    A formula and not a list of samples, so that every frame rate reads the same motion.
    """

    frequencies_hz: Float64
    phases_rad: Float64
    amplitudes: Float64
    """Each (SINUSOIDS,)."""

    def at(self, times_s: Float64) -> Float64:
        """(T,) seconds -> (T,)."""
        angle = 2.0 * np.pi * times_s[:, None] * self.frequencies_hz + self.phases_rad
        wander: Float64 = np.sin(angle) @ self.amplitudes  # (T, SINUSOIDS) . (SINUSOIDS,)
        return wander


def draw_drift(band_hz: tuple[float, float], rng: np.random.Generator) -> Drift:
    """One drift with frequencies inside the band, in no simple ratio to each other.

    The band is cut into equal parts on a logarithmic scale and each gets one frequency. Slow
    parts are larger: all would have the same top speed if alone. Our choice.
    """
    low, high = np.log(band_hz)
    cut = (np.arange(SINUSOIDS) + rng.uniform(size=SINUSOIDS)) / SINUSOIDS
    frequencies_hz: Float64 = np.exp(low + (high - low) * cut)
    amplitudes = 1.0 / frequencies_hz
    amplitudes *= np.sqrt(2.0 / np.sum(amplitudes**2))
    return Drift(frequencies_hz, rng.uniform(0.0, 2.0 * np.pi, SINUSOIDS), amplitudes)
