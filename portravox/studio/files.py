"""The files of the page, with the headers that a browser should get them with.

Flow      studio.page -> files.Page -> service.routes.studio
          studio.reference -> files.Files -> service.routes.docs
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "page"
_REFERENCE = Path(__file__).parent / "reference"

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".mp4": "video/mp4",
    ".webp": "image/webp",
}
"""Named here and not asked of the machine, whose table may say anything."""

_PLACE = "@assets"
"""What stands in index.html where the folder of the other files goes."""

_MODULES = b"<!-- modules -->\n"
"""What stands in index.html where the browser is told of all modules at once. Otherwise it would
find one by reading another, a round trip for each step on the way."""

_IMPORT = re.compile(rb'^(?:import|\} from).*"\./([^"]+)";$', re.MULTILINE)

_VERSION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, ready to send."""

    content: bytes
    gzipped: bytes
    """The same for browsers that unpack it, which all do: about a third."""

    media_type: str


def _page_file(content: bytes, media_type: str) -> PageFile:
    # Without a time in it, the same file gives the same bytes.
    return PageFile(content, gzip.compress(content, 9, mtime=0), media_type)


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are another set, of another version, once one of them is another."""

    version: str
    """Of the contents. It is part of the files' addresses, so browsers may keep them for good, and
    modules may name each other by relative paths."""

    files: Mapping[str, PageFile]
    """By their paths below the folder."""


@dataclass(frozen=True, slots=True)
class Page(Files):
    """All files of one state of the page; index.html is not among the versioned ones."""

    index: PageFile


@cache
def reference() -> Files:
    """What the API's reference loads: Swagger UI, which lies here packed, and what is ours."""
    files = {}
    for path in sorted(_REFERENCE.iterdir()):
        name = path.name.removesuffix(".gz")
        media_type = _MEDIA_TYPES.get(Path(name).suffix)
        if media_type is not None:
            content = path.read_bytes()
            packed = name != path.name
            files[name] = (
                PageFile(gzip.decompress(content), content, media_type)
                if packed
                else _page_file(content, media_type)
            )
    return Files(_version(files), files)


@cache
def page() -> Page:
    """The page of this installation, read once."""
    paths = sorted(path for path in _FOLDER.rglob("*") if path.suffix in _MEDIA_TYPES)
    files = {
        path.relative_to(_FOLDER).as_posix(): _page_file(
            path.read_bytes(), _MEDIA_TYPES[path.suffix]
        )
        for path in paths
    }
    version = _version(files)
    index = files.pop("index.html")
    hints = (f'<link rel="modulepreload" href="{_PLACE}/{name}">\n' for name in _imported(files))
    filled = index.content.replace(_MODULES, "".join(hints).encode())
    filled = filled.replace(_PLACE.encode(), f"studio/{version}".encode())
    return Page(version, files, _page_file(filled, index.media_type))


def _version(files: Mapping[str, PageFile]) -> str:
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
    return digest.hexdigest()[:_VERSION_DIGITS]


def _imported(files: Mapping[str, PageFile]) -> Iterator[str]:
    """The modules that app.js needs, in the order in which it comes upon them."""
    met, waiting = {"app.js"}, ["app.js"]
    for name in waiting:
        for needed in _IMPORT.findall(files[name].content):
            path = needed.decode()
            if path not in met:
                met.add(path)
                waiting.append(path)
                yield path
