"""Landmarks of one eye, as the tests of eyes draw it."""

from __future__ import annotations

import numpy as np


def outline(width: float, tilt_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper and lower edge, (9, 2) each, and iris, (5, 2), of an eye in a picture of 400 px."""
    t = np.linspace(0, 1, 9)
    bow = 4 * t * (1 - t) * 0.15 * width
    x = width * (t - 0.5)
    turn = np.deg2rad(tilt_deg)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    rim = np.array([[0, 0], [0.2, 0], [0, 0.2], [-0.2, 0], [0, -0.2]]) * width
    return tuple(
        points @ turned + 200
        for points in (np.column_stack([x, -bow]), np.column_stack([x, bow]), rim)
    )
