"""The files of the page, with the headers that a browser should get them with.

Flow      studio.page -> files.Page -> service.routes.studio
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "page"

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Named here and not asked of the machine, whose table may say anything."""

_PLACE = "@assets"
"""What stands in index.html where the folder of the other files goes."""

_VERSION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, ready to send."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Page:
    """All files of one state of the page."""

    version: str
    """Of the contents: another one once any file is another. It is part of the files' addresses,
    so browsers may keep them for good, and modules may name each other by relative paths."""

    index: PageFile
    files: Mapping[str, PageFile]
    """By their paths below the folder; without index.html."""


@cache
def page() -> Page:
    """The page of this installation, read once."""
    paths = sorted(path for path in _FOLDER.rglob("*") if path.suffix in _MEDIA_TYPES)
    files = {
        path.relative_to(_FOLDER).as_posix(): PageFile(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in paths
    }
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
    version = digest.hexdigest()[:_VERSION_DIGITS]
    index = files.pop("index.html")
    filled = index.content.replace(_PLACE.encode(), f"studio/{version}".encode())
    return Page(version, PageFile(filled, index.media_type), files)
