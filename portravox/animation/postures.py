"""Postures: poses that head or face take up one after the other and hold.

Flow      phrases, emphasis -> animation.postures -> animation.head, brows
Reads     when the person speaks, the stressed syllables
Gives     Postures: a pose at any moment
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.easing import minimum_jerk
from portravox.animation.emphasis import Stresses
from portravox.arrays import Float64

LARGEST = 1.5
"""Poses are drawn within this many deviations."""

LEAD_S = 0.15
"""A pose is set out for so much before its phrase begins. Our choice."""

BEAT_SHARE = 0.85
"""Of the stresses, those on which the head takes up another small pose. Our choice."""

BEAT_S = (0.35, 0.60)
BEAT_SPACING_S = 0.5
BEAT_DONE = 0.6
"""Length of a beat, their least spacing, and how much of one is over at the stressed syllable.
Our choice; motion-facts has 1 to 2 Hz for what head and face do along with the voice."""

BEAT_KEPT = 0.35
"""Share of the last beat's pose that the next one starts from: they wander about the middle."""

SETTLE_S = 0.7
"""After a phrase the last beat is taken back within this time."""


@dataclass(frozen=True, slots=True, eq=False)
class Postures:
    """Poses, from all 0 on. Each is reached before the next is set out for."""

    starts_s: Float64
    lengths_s: Float64
    """(P,) each, in order: when the pose is set out for, and how long that takes."""

    poses: Float64
    """(P, A) in deviations of each axis"""

    def at(self, times_s: Float64) -> Float64:
        """(T,) seconds -> (T, A) the pose held or being taken up."""
        poses = np.concatenate([np.zeros((1, self.poses.shape[1])), self.poses])
        starts_s = np.concatenate([[-np.inf], self.starts_s])
        lengths_s = np.concatenate([[1.0], self.lengths_s])
        here = np.searchsorted(starts_s, times_s, side="right") - 1
        before = poses[np.maximum(here - 1, 0)]
        share = minimum_jerk((times_s - starts_s[here]) / lengths_s[here])[:, None]
        pose: Float64 = before + share * (poses[here] - before)
        return pose


def draw_postures(
    phrases: Float64,
    axes: int,
    hold_s: tuple[float, float],
    move_s: tuple[float, float],
    rng: np.random.Generator,
) -> Postures:
    """A new pose with each phrase and, in long ones, every so often.

    phrases  (S, 2) seconds, with pauses longer than the longest move_s + LEAD_S between them
    hold_s   from one pose to the next, longer than move_s
    """
    starts_s: list[float] = []
    for start_s, end_s in phrases:
        moment_s = start_s - LEAD_S
        while moment_s < end_s - move_s[1]:
            starts_s.append(moment_s)
            moment_s += rng.uniform(*hold_s)
    count = len(starts_s)
    poses = np.clip(rng.standard_normal((count, axes)), -LARGEST, LARGEST)
    return Postures(np.array(starts_s), rng.uniform(*move_s, size=count), poses)


def draw_beats(
    stresses: Stresses, phrases: Float64, axes: int, rng: np.random.Generator
) -> Postures:
    """Another small pose on most stresses, larger on heavy ones; back to 0 after each phrase."""
    count = len(stresses.times_s)
    chosen = rng.uniform(size=count) < BEAT_SHARE
    lengths_s = rng.uniform(*BEAT_S, size=count)
    sizes = np.clip(rng.standard_normal((count, axes)), -LARGEST, LARGEST)
    rows: list[tuple[float, float, Float64]] = []
    free_s = -np.inf  # the last beat is done, and the next may begin
    for phrase_start_s, phrase_end_s in phrases:
        pose = np.zeros(axes)
        said = (stresses.times_s >= phrase_start_s) & (stresses.times_s <= phrase_end_s)
        for i in np.flatnonzero(chosen & said):
            start_s = float(stresses.times_s[i] - BEAT_DONE * lengths_s[i])
            if start_s >= free_s:
                pose = BEAT_KEPT * pose + stresses.weights[i] * sizes[i]
                rows.append((start_s, float(lengths_s[i]), pose))
                free_s = start_s + max(float(lengths_s[i]), BEAT_SPACING_S)
        if pose.any():
            free_s = max(float(phrase_end_s), free_s)
            rows.append((free_s, SETTLE_S, np.zeros(axes)))
            free_s += SETTLE_S
    return Postures(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]).reshape(-1, axes),
    )
