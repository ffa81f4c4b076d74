"""What a storage promises, whatever it lies on.

Flow      worker -> put(video) ; routes.files -> open ; routes.tasks -> link
          storage.uploads -> put(upload) ; worker -> open

Storage and links are two things on purpose: the process that decodes files of strangers is given a
storage, and never the secret that signs links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}(\.[a-z0-9]{1,8})?")


def is_name(name: str) -> bool:
    """Whether a file may be stored under this name: letters, digits, - and _, and one ending.

    No such name holds a slash, two dots or a leading dot, so none leads out of a folder, and none
    needs quoting in a URL. 137 characters at most: our choice, far below what file systems take.
    """
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file in a storage."""

    name: str
    size_bytes: int
    stored_at: float
    """Seconds since 1970, UTC; by the clock of whoever keeps it, give or take a second."""

    etag: str
    """In quotes, as HTTP wants it; another one once the content is another."""


class Storage(Protocol):
    """Named files in one flat space. Several processes may use it at the same time.

    Every method raises StorageFailed where the medium does not do what it should, and its kind
    StorageUnavailable where it may do so later. A name that is none (`is_name`) is answered like
    that of a file that is not there.
    """

    @property
    def can_list(self) -> bool:
        """Whether `entries` and `remove_older` find anything. An object store is never listed:
        that costs a permission and money, and its own life-cycle rules remove what is old."""

    def put(self, name: str, content: BinaryIO) -> Stored:
        """Store what the stream still holds, in place of what was stored under the name.

        Readers see the old file or the new one whole. What was given back survives a power cut.
        """

    def find(self, name: str) -> Stored | None:
        """What is stored under a name."""

    def open(self, name: str) -> tuple[Stored, BinaryIO]:
        """The file and a stream at its beginning that can seek. Raises StoredFileMissing.

        What is read is of this file alone: if it is removed or replaced meanwhile, the reader goes
        on in the old one, or gets StorageFailed.
        """

    def delete(self, name: str) -> bool:
        """Remove a file; False if there is none."""

    def entries(self, prefix: str = "") -> Iterator[Stored]:
        """All files whose names begin so, in no order; none where it cannot be listed."""

    def remove_older(self, before: float) -> tuple[str, ...]:
        """Remove what was stored before a moment, and what writers that died left; gives the names
        of the files. Nothing where it cannot be listed."""

    def probe(self) -> None:
        """Find out whether something can be stored now. Raises StorageFailed."""


class Links(Protocol):
    """Addresses at which anyone who has them may fetch a stored file for a while."""

    @property
    def may_wait(self) -> bool:
        """Whether `link` may ask another machine for what it signs with."""

    def link(self, name: str, *, base_url: str, expires_at: float) -> str:
        """An absolute URL whose path ends in the name. Raises StorageFailed.

        base_url     where clients reach this server, without a slash at the end
        expires_at   seconds since 1970
        """
