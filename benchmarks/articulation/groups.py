"""Classes of phones in the few groups that every method can tell apart.

Flow      articulation.phones -> groups -> measures
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Int32
from portravox.articulation.phones import PHONE_CLASSES

SIXTEEN = (
    ("sil",), ("p", "b", "m"), ("f", "v"), ("th",), ("t", "d", "n", "l", "r"), ("s", "z"),
    ("sh", "zh"), ("k", "g", "ng", "h"), ("rr",), ("w",), ("j", "i"), ("e", "eh"), ("a",),
    ("ah", "er"), ("o", "aw"), ("u", "y", "oe"),
)  # fmt: skip
"""What looks alike when spoken."""

SIX = (
    ("sil",), ("p", "b", "m"), ("f", "v"),
    ("th", "t", "d", "n", "l", "r", "s", "z", "sh", "zh", "k", "g", "ng", "h", "j", "i"),
    ("rr", "w", "o", "aw", "u", "y", "oe"),
    ("e", "eh", "a", "ah", "er"),
)  # fmt: skip
"""Silence, lips shut, lip at teeth, narrow, rounded, open."""


def group_of_class(groups: tuple[tuple[str, ...], ...]) -> Int32:
    """(classes,) the number of the group that holds each of PHONE_CLASSES."""
    number = {name: index for index, group in enumerate(groups) for name in group}
    return np.array([number[name] for name in PHONE_CLASSES], dtype=np.int32)
