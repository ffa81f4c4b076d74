"""The storages of a server, as its settings name them.

Flow      app -> open_storages -> Storages: videos, uploads, previews
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portravox.errors import SettingOutOfRange
from portravox.service.disk import DiskSpace
from portravox.service.storage.base import Links, Storage
from portravox.service.storage.local import LocalLinks, LocalStorage
from portravox.service.storage.location import StorageLocation
from portravox.service.storage.object_store import ObjectStorage, StoreLinks, open_bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Storages:
    """Where files lie, by what they are. A process that has these has no secret of ours."""

    videos: Storage
    uploads: Storage

    previews: Storage | None = None
    """None where who makes a video and who shows it are one process."""

    def links(self, served: LocalLinks, *, direct: bool, clock: Callable[[], float]) -> Links:
        """Links to videos: the store's own, or those that this server answers.

        clock  in whose seconds since 1970 tasks end

        Raises SettingOutOfRange where there is no store to answer them.
        """
        if not direct:
            return served
        if not isinstance(self.videos, ObjectStorage):
            raise SettingOutOfRange("links", "direct", "proxy, or a storage_url with a bucket")
        return StoreLinks(self.videos, clock=clock)


def open_storages(location: StorageLocation | None, data_dir: Path, space: DiskSpace) -> Storages:
    """Open them.

    location   None: in the data folder
    space      shared by all that write to this disk

    Raises StorageFailed where a folder cannot be made, SettingOutOfRange where a store's options do
    not fit. Whether a store answers is not asked: it may come back while the server runs.
    """
    if location is None or location.folder is not None:
        folder = data_dir if location is None or location.folder is None else location.folder
        shared = None if location is None else LocalStorage(folder / "previews", space=space)
        return Storages(
            videos=LocalStorage(folder / "videos", space=space),
            uploads=LocalStorage(folder / "uploads", space=space),
            previews=shared,
        )
    bucket = open_bucket(location)
    return Storages(
        videos=ObjectStorage(bucket, "videos"),
        uploads=ObjectStorage(bucket, "uploads"),
        previews=ObjectStorage(bucket, "previews"),
    )
