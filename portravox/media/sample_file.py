"""What is known of each moment of a long recording in a file without a name, so that memory does
not grow with it: its samples, its spectrum, what the network gives.

Flow      media.voice_file, speech, articulation -> media.sample_file -> arrays

A program reads them as it does any array. The system brings what is looked at from the file, and
`let_go` lets go of it again.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from portravox.arrays import Float32
from portravox.system import forget_pages

_LASTING = Path("/var/tmp")
"""/tmp is memory on many a system; this is to be none (Filesystem Hierarchy Standard 3.0, 5.15)."""


NUMBERS_IN_MEMORY = 1 << 22
"""16 MiB: 8 min 44 s of a spectrum of 80 bands. Our choice."""

GROWN_BY_NUMBERS = 1 << 20
"""4 MiB; our choice."""

ROWS_AT_ONCE = 2048
"""Looked at together where all are gone through; our choice."""


class GrowingRows:
    """Rows of numbers that come block by block, in one place from the beginning: in memory, and
    from a certain number on in a file, if there is room for one."""

    def __init__(self, width: int, most: int | None = None) -> None:
        """width  numbers in a row
        most   numbers in memory, all rows together; None: NUMBERS_IN_MEMORY"""
        self.width = width
        self._numbers = np.zeros(0, np.float32)
        self._count = 0
        self._file: SampleFile | None = None
        self._most = NUMBERS_IN_MEMORY if most is None else most

    def add(self, block: Float32) -> None:
        """block  (N, width)"""
        end = self._count + block.size
        if end > self._most:
            try:
                self._to_file(block)
            except OSError:
                self._stay_in_memory()
        if self._file is None:
            if end > len(self._numbers):
                # the system moves large pieces of memory without copying them
                room = -(-end // GROWN_BY_NUMBERS) * GROWN_BY_NUMBERS
                self._numbers.resize(room, refcheck=False)
            self._numbers[self._count : end] = block.ravel()
        self._count = end

    def whole(self) -> Float32:
        """(N, width) all of it; nothing can be added any more."""
        if self._file is not None:
            return self._file.whole().reshape(-1, self.width)
        self._numbers.resize(self._count, refcheck=False)
        return self._numbers.reshape(-1, self.width)

    def close(self) -> None:
        """Arrays that it gave stay."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> GrowingRows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _to_file(self, block: Float32) -> None:
        if self._file is None:
            self._file = SampleFile()
            self._file.add(self._numbers[: self._count])
        self._file.add(block)
        self._numbers = np.zeros(0, np.float32)

    def _stay_in_memory(self) -> None:
        """There is no room for a file, or not enough."""
        if self._file is not None:
            if not len(self._numbers):
                self._numbers = self._file.whole()[: self._count].copy()
            self.close()
        self._file, self._most = None, sys.maxsize


class SampleFile:
    """Samples that come one after the other. Raises OSError where there is no room for them."""

    def __init__(self) -> None:
        self._file = nameless_file()

    def add(self, samples: Float32) -> None:
        """samples  of any shape, in their order"""
        write_all(self._file, np.ascontiguousarray(samples).data.cast("B"))

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


def in_pieces(*arrays: Float32, rows: int | None = None) -> Iterator[slice]:
    """Some rows at a time of arrays of one length; of those in files none stay in memory.

    rows  at a time; None: ROWS_AT_ONCE
    """
    count, step = len(arrays[0]), rows or ROWS_AT_ONCE
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
        for array in arrays:
            let_go(array)


def nameless_file() -> IO[bytes]:
    """A new file of our own that is gone once it is closed."""
    # without a buffer: what could not be written is not tried again later
    return tempfile.TemporaryFile(buffering=0, dir=_folder())


def write_all(file: IO[bytes], content: bytes | memoryview) -> None:
    """Write all of it to a file without a buffer, which may take less at once."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def let_go(samples: Float32 | bytes | memoryview) -> None:
    """Keep nothing in memory of what lies in a file; of others nothing changes."""
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
