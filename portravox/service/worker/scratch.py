"""Scratch folders: where the files of one attempt lie while it lasts, and how uploads get there.

Flow      loop, detector -> ScratchSpace.folder -> a worker process writes into it -> gone
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from portravox.service.disk import DiskSpace
from portravox.service.problems import ORIGINAL_VOICE_S
from portravox.service.storage.uploads import UploadedFiles, is_upload
from portravox.service.worker.messages import FetchRequest, InputFile

SCRATCH_BYTES = 50 * 1024 * 1024
"""What one attempt is promised: 35 MiB are the largest pictures and voice, the rest is a minute of
video. What grows beyond is stopped when the disk's reserve is touched. Our choice."""


_COPIED_AT_ONCE_BYTES = 4 * 1024 * 1024
"""An object store is asked once for each piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchSpace:
    """Makes scratch folders in a folder of its own."""

    root: Path
    uploaded: UploadedFiles
    allow_nets: str
    allow_ports: str = ""
    max_voice_s: float = ORIGINAL_VOICE_S
    space: DiskSpace = field(default_factory=DiskSpace)

    def require_room(self) -> None:
        """Raise StorageFailed where those who write into scratch folders have used up the disk."""
        self.space.require(self.root)

    @contextlib.asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """An empty folder, gone afterwards, with room for what is usually written into it.

        Raises StorageFailed where the disk has no room.
        """
        folder = self.root / uuid.uuid4().hex
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
        try:
            with self.space.promise(folder, SCRATCH_BYTES):
                yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def fetch_request(
        self, file: InputFile, url: str, folder: Path, *, key_group: str
    ) -> FetchRequest | None:
        """What has to be asked of a worker process to have a file in a folder; None where the file
        was uploaded: it is put there now. Raises UploadUnknown, StorageFailed."""
        if not is_upload(url):
            return FetchRequest(
                file=file,
                url=url,
                folder=str(folder),
                allow_nets=self.allow_nets,
                allow_ports=self.allow_ports,
                max_voice_s=self.max_voice_s,
            )
        await asyncio.to_thread(self._copy_upload, url, folder / file, key_group)
        return None

    def _copy_upload(self, url: str, file: Path, key_group: str) -> None:
        stored, stream = self.uploaded.open(url, group=key_group)
        with (
            stream,
            self.space.promise(file.parent, stored.size_bytes),
            # Of an earlier try, there may be a part of it.
            file.open("wb") as copy,
        ):
            shutil.copyfileobj(stream, copy, _COPIED_AT_ONCE_BYTES)
