"""Eyes drawn for tests, as the view of an eye has them: 30 mm and 128 px wide, one px a pixel."""

from __future__ import annotations

import numpy as np

from portravox.arrays import UInt8
from portravox.face.eyes import EyeView


def eye_view(
    pixels: UInt8,
    level: float,
    upper: np.ndarray,
    lower: np.ndarray,
    iris: tuple[float, float, float],
) -> EyeView:
    """A view with its corners in columns 54 and 182; the lids' edges, (w,), are rows."""
    return EyeView(
        pixels=pixels,
        to_view=np.eye(2, 3),
        corners=(54.0, 182.0),
        level=level,
        mm=128 / 30,
        upper=upper.astype(np.float32),
        lower=lower.astype(np.float32),
        iris=iris,
    )
