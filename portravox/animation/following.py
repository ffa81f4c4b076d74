"""Following: a value that is led to its goal while it runs, without a jump or a corner.

Flow      animation.live -> animation.following -> animation.live
"""

from __future__ import annotations

import math

import numpy as np

from portravox.arrays import Float64

SETTLED = 5.0
"""A critically damped value is within 4 % of its goal after so many of its time constants."""

ARRIVED = 1e-4
"""Nearer to the goal than this, and slower a second, it is there: what is asked to be 0 will be."""


class Follower:
    """One value or several that follow a goal which may change at any moment."""

    def __init__(self, start: float | Float64, settle_s: float) -> None:
        """settle_s: time within which most of the way to a new goal is done"""
        self._value: Float64 = np.array(start, np.float64)
        self._speed: Float64 = np.zeros_like(self._value)
        self._pace = SETTLED / settle_s

    @property
    def value(self) -> Float64:
        return self._value

    def follow(self, goal: float | Float64, step_s: float) -> Float64:
        """Go on for so long. The exact motion of a critically damped spring, at any step."""
        away = self._value - goal
        if np.all(np.abs(away) < ARRIVED) and np.all(np.abs(self._speed) < ARRIVED):
            self._value = np.broadcast_to(np.asarray(goal, np.float64), away.shape).copy()
            self._speed = np.zeros_like(away)
            return self._value
        lag = self._speed + self._pace * away
        kept = math.exp(-self._pace * step_s)
        self._value = goal + (away + lag * step_s) * kept
        self._speed = (self._speed - self._pace * lag * step_s) * kept
        return self._value
