"""The latest frame of each video, on whichever machine it is made.

Flow      worker.child -> a file in the scratch folder -> SharedPreviews.showing -> the storage
          the storage -> SharedPreviews.read -> routes.tasks, on any machine
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portravox.errors import PortravoxError
from portravox.service.errors import StorageFailed, StoredFileMissing
from portravox.service.previews import MAX_BYTES, read_preview
from portravox.service.storage.base import Storage

STORED_APART_S = 2.0
"""How often a preview is stored. Our choice: 60 kB each for a video that is made."""

_log = logging.getLogger("portravox.previews")


class SharedPreviews:
    """What `Previews` is for one process."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @contextmanager
    def showing(self, task_id: str, file: Path) -> Iterator[None]:
        """While this lasts, the task is shown by what lies in the file, if anything. In an event
        loop."""
        storing = asyncio.create_task(self._store(_name(task_id), file), name="preview")
        try:
            yield
        finally:
            storing.cancel()

    def read(self, task_id: str) -> bytes | None:
        """The JPEG of the latest frame; None if there is none (yet, or any more)."""
        try:
            _, stream = self._storage.open(_name(task_id))
            with stream:
                content = stream.read(MAX_BYTES + 1)
        except (StoredFileMissing, StorageFailed):  # no answer waits for want of a preview
            return None
        return content if 0 < len(content) <= MAX_BYTES else None

    def remove_older(self, before: float) -> None:
        """Remove those that workers left that are gone."""
        self._storage.remove_older(before)

    async def _store(self, name: str, file: Path) -> None:
        stored: bytes | None = None
        try:
            while True:
                await asyncio.sleep(STORED_APART_S)
                content = await asyncio.to_thread(read_preview, file)
                if content is not None and content != stored:
                    try:
                        await asyncio.to_thread(self._storage.put, name, io.BytesIO(content))
                        stored = content
                    except PortravoxError as error:
                        _log.warning("a preview is not stored: %s", error)
        finally:
            if stored is not None:
                with suppress(PortravoxError):
                    await asyncio.to_thread(self._storage.delete, name)


def _name(task_id: str) -> str:
    return f"preview-{task_id}.jpg"
