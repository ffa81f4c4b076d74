"""Names for the array types that cross folder borders.

The letters are the same everywhere: N samples, T frames, K curve channels, C controls,
V vertices, H W pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
"""Samples, curves, controls, vertices, mattes."""

Float64 = npt.NDArray[np.float64]
"""Inside solvers, where single precision is not enough."""

Int32 = npt.NDArray[np.int32]
"""Vertex and landmark indices."""

UInt8 = npt.NDArray[np.uint8]
"""Pictures and frames: (H, W, 3), red first, sRGB, 0..255."""

UInt16 = npt.NDArray[np.uint16]
"""Fixed-point factors."""

UInt32 = npt.NDArray[np.uint32]
"""Four bytes in one number."""

Bool = npt.NDArray[np.bool_]
"""Masks."""

AnyFloat = npt.NDArray[np.floating[Any]]
"""Where either precision will do."""

AnyInteger = npt.NDArray[np.signedinteger[Any]]
"""Indices of any size."""
