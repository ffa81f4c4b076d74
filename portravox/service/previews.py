"""The latest frame of each video that is being made here.

Flow      worker.child -> a file in the scratch folder
          worker.loop -> Previews.showing ; routes.tasks -> Previews.read
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from portravox.system import open_strangers_file

MAX_BYTES = 512 * 1024
"""Of a preview; real ones have 60 kB. A child that was taken over must not fill our memory."""


class ShowsPreviews(Protocol):
    """Shows videos while they are made: here, or on whichever machine."""

    def showing(self, task_id: str, file: Path) -> AbstractContextManager[None]:
        """While this lasts, the task is shown by what lies in the file, if anything."""

    def read(self, task_id: str) -> bytes | None:
        """The JPEG of the latest frame; None if there is none (yet, or any more)."""


class Previews:
    """Which file shows which task. Belongs to one process: a task that another server renders has
    no preview here."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}

    @contextmanager
    def showing(self, task_id: str, file: Path) -> Iterator[None]:
        """While this lasts, the task is shown by what lies in the file, if anything."""
        self._files[task_id] = file
        try:
            yield
        finally:
            del self._files[task_id]

    def read(self, task_id: str) -> bytes | None:
        """The JPEG of the latest frame; None if there is none (yet, or any more)."""
        file = self._files.get(task_id)
        return None if file is None else read_preview(file)


def read_preview(file: Path) -> bytes | None:
    """What lies in a file that a worker process writes; None where that is no preview."""
    try:
        descriptor = open_strangers_file(file)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    return content if 0 < len(content) <= MAX_BYTES else None
