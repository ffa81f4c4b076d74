"""Sound as the whole product knows it.

Flow      media.voice_file -> Waveform -> speech, media.encode
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from portravox.arrays import Float32
from portravox.clock import duration_of_samples


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """A recording, one or two channels."""

    samples: Float32
    """(N, channels), -1..1 is full scale; values outside are allowed (float files)."""

    rate_hz: int

    notices: tuple[str, ...] = field(default=())
    """What was mended on the way in, in words for the caller: sound that its header denies."""

    @property
    def duration_s(self) -> float:
        return duration_of_samples(len(self.samples), self.rate_hz)

    def content(self) -> memoryview:
        """The samples' bytes; not copied, since an hour has hundreds of megabytes."""
        return np.ascontiguousarray(self.samples).data.cast("B")

    def mono(self) -> Float32:
        """(N,) mean of the channels."""
        mean: Float32 = self.samples.mean(axis=1, dtype="float32")
        return mean
