"""Where one task's video comes from, signed here once the limited process has written it down.

Flow      loop -> Sealing.begin -> SealWanted -> child writes a manifest without a signature
          loop -> Sealing.finish: every word compared, the video hashed, signed, read back

The key never leaves this process, and no byte of a stranger's is decoded in it: the inputs are
hashed, the manifest is taken apart by lengths (labels.manifest).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import stat
from pathlib import Path

from portravox.errors import CredentialsUnusable, SealFailed
from portravox.labels.origin import Ingredient, Origin, Role, now_in_words
from portravox.labels.seal import placeholder_for, seal
from portravox.labels.signer import Signer
from portravox.service.errors import StorageFailed
from portravox.service.problems import ALGO
from portravox.service.worker.messages import InputFile, SealWanted
from portravox.service.worker.process import RequestFailed
from portravox.system import open_strangers_file

SEALED_NAME = "sealed.mp4"
"""Our own copy of the video, in the scratch folder: the process may still hold its own open."""

_log = logging.getLogger("portravox.worker")


class Sealing:
    """The signature of one attempt's video."""

    def __init__(self, signer: Signer, origin: Origin) -> None:
        self._signer = signer
        self._origin = origin
        self._placeholder = placeholder_for(signer)

    @classmethod
    async def begin(cls, signer: Signer, folder: Path, *, producer: str, task_id: str) -> Sealing:
        """Once picture and voice lie in the folder, and before they are moved. Raises OSError."""
        origin = Origin(
            ingredients=await asyncio.to_thread(_ingredients, folder),
            made_at=now_in_words(),
            producer=producer,
            task_id=task_id,
        )
        return cls(signer, origin)

    @property
    def wanted(self) -> SealWanted:
        """What the process has to know."""
        return SealWanted(
            made_at=self._origin.made_at,
            chain_pem=self._placeholder.chain_pem,
            algorithm=self._placeholder.algorithm,
            placeholder_hex=self._placeholder.content.hex(),
        )

    async def finish(self, video: Path) -> None:
        """Sign a copy of the video, which takes its place. Raises RequestFailed, OSError."""
        try:
            await asyncio.to_thread(self._finish, video)
        except (SealFailed, CredentialsUnusable) as error:
            # Another process may write what this one did not; what signs may be back.
            _log.error("a video was not signed: %s", error)
            raise RequestFailed(ALGO, retry=True) from error

    def _finish(self, video: Path) -> None:
        sealed = video.with_name(SEALED_NAME)
        descriptor = open_strangers_file(video)
        with os.fdopen(descriptor, "rb") as content, sealed.open("xb") as copy:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageFailed("the video is no file")
            shutil.copyfileobj(content, copy, _COPIED_AT_ONCE_BYTES)
        seal(sealed, self._origin, self._signer, self._placeholder.content)
        sealed.replace(video)


_COPIED_AT_ONCE_BYTES = 1024 * 1024


_FILES: tuple[tuple[Role, InputFile], ...] = (
    ("portrait", "image"),
    ("voice", "audio"),
    ("background", "background"),
)


def _ingredients(folder: Path) -> tuple[Ingredient, ...]:
    """The files of a job by their digests; not every job has a background."""
    found = []
    for role, name in _FILES:
        if role == "background" and not (folder / name).is_file():
            continue
        with os.fdopen(open_strangers_file(folder / name), "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        found.append(Ingredient(role=role, sha256=digest))
    return tuple(found)
