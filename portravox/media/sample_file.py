"""Samples of a long recording in a file without a name, so that memory does not grow with it.

Flow      media.voice_file -> media.sample_file -> Waveform

A program reads them as it does any array. The system brings what is looked at from the file, and
`let_go` lets go of it again.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import IO

import numpy as np

from portravox.arrays import Float32
from portravox.system import forget_pages

_LASTING = Path("/var/tmp")
"""/tmp is memory on many a system; this is to be none (Filesystem Hierarchy Standard 3.0, 5.15)."""


class SampleFile:
    """Samples that come one after the other. Raises OSError where there is no room for them."""

    def __init__(self) -> None:
        # without a buffer: what could not be written is not tried again later
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, dir=_folder())  # noqa: SIM115

    def add(self, samples: Float32) -> None:
        """samples  of any shape, in their order"""
        left = np.ascontiguousarray(samples).data.cast("B")
        while left:
            left = left[self._file.write(left) :]

    def whole(self) -> Float32:
        """(N,) all of them; they cannot be written to."""
        count = self._file.tell() // np.dtype(np.float32).itemsize
        if count == 0:
            return np.zeros(0, np.float32)
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, np.float32, count)

    def close(self) -> None:
        """Nothing is added any more; arrays stay."""
        self._file.close()


def let_go(samples: Float32) -> None:
    """Keep nothing in memory of an array that lies in a file; of others nothing changes."""
    owner: object = samples
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if isinstance(owner, mmap.mmap):
        forget_pages(owner)


def _folder() -> Path | None:
    """None: where temporary files lie on this system, or where the environment says."""
    named = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    return None if named or not os.access(_LASTING, os.W_OK | os.X_OK) else _LASTING
