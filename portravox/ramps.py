"""The smooth step, which blends nearly everything that must not show where it begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from portravox.arrays import Float64


def smoothstep(low: float, high: float, x: npt.NDArray[Any] | float) -> Float64:
    """0 up to `low`, 1 from `high`, 3t² - 2t³ in between: no kink at either end."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def smooth_share(low: float, high: float, x: float) -> float:
    """`smoothstep` of one number, in a tenth of the time."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)
