"""Decoded sound as PyAV hands it out -> samples as we keep them.

Flow      PyAV -> media.sound_frames -> media.voice_file, benchmarks.probe
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from portravox.arrays import Float32

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame


def float_samples(frame: AudioFrame) -> Float32:
    """(N, channels) of one frame, -1..1 is full scale, whatever the sample format.

    Integers are divided by the size of their negative full scale, so +1 is just not reached.
    """
    values = frame.to_ndarray()  # (channels, N) when planar, else (1, N * channels)
    channels = frame.layout.nb_channels
    by_time = values.T if frame.format.is_planar else values.reshape(-1, channels)
    if by_time.dtype == np.uint8:
        return (by_time.astype(np.float32) - 128.0) / 128.0
    if by_time.dtype.kind == "i":
        full_scale = 2.0 ** (8 * by_time.dtype.itemsize - 1)
        return (by_time / full_scale).astype(np.float32)
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite; callers mend it
        return by_time.astype(np.float32)
