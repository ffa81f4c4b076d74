"""Scratch folders: where the files of one attempt lie while it lasts, and how uploads get there.

Flow      loop, detector -> ScratchSpace.folder -> a worker process writes into it -> gone
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from portravox.service.schemas import is_upload
from portravox.service.storage.base import Storage
from portravox.service.storage.uploads import Uploads
from portravox.service.worker.messages import FetchRequest, InputFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchSpace:
    """Makes scratch folders in a folder of its own."""

    root: Path
    uploads: Uploads
    uploaded: Storage
    allow_nets: str
    allow_ports: str = ""

    @contextlib.asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """An empty folder, gone afterwards."""
        folder = self.root / uuid.uuid4().hex
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def fetch_request(
        self, file: InputFile, url: str, folder: Path, *, key_group: str
    ) -> FetchRequest | None:
        """What has to be asked of a worker process to have a file in a folder; None where the file
        was uploaded: it is put there now. Raises UploadUnknown."""
        if not is_upload(url):
            return FetchRequest(
                file=file,
                url=url,
                folder=str(folder),
                allow_nets=self.allow_nets,
                allow_ports=self.allow_ports,
            )
        await asyncio.to_thread(self._copy_upload, url, folder / file, key_group)
        return None

    def _copy_upload(self, url: str, file: Path, key_group: str) -> None:
        _, stream = self.uploaded.open(self.uploads.resolve(url, group=key_group))
        with stream, file.open("xb") as copy:
            shutil.copyfileobj(stream, copy)
