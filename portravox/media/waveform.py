"""Sound as the whole product knows it.

Flow      media.voice_file -> Waveform -> speech, media.encode
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from portravox.arrays import Float32
from portravox.clock import duration_of_samples
from portravox.media.sample_file import in_pieces

PIECE_SAMPLES = 65_536
"""Of a recording, worked on at a time; our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """A recording, one or two channels."""

    samples: Float32
    """(N, channels), -1..1 is full scale; values outside are allowed (float files). Those of a long
    recording lie in a file: read them by `pieces`."""

    rate_hz: int

    notices: tuple[str, ...] = field(default=())
    """What was mended on the way in, in words for the caller: sound that its header denies."""

    @property
    def duration_s(self) -> float:
        return duration_of_samples(len(self.samples), self.rate_hz)

    def pieces(self) -> Iterator[Float32]:
        """(M, channels) one after the other, PIECE_SAMPLES or fewer, none of which stays in memory
        if the recording is long."""
        for some in in_pieces(self.samples, rows=PIECE_SAMPLES):
            yield self.samples[some]

    def digest(self) -> bytes:
        """SHA-256 of the samples."""
        found = hashlib.sha256()
        for piece in self.pieces():
            found.update(np.ascontiguousarray(piece).data.cast("B"))
        return found.digest()

    def mono(self) -> Float32:
        """(N,) mean of the channels."""
        mean: Float32 = self.samples.mean(axis=1, dtype="float32")
        return mean
