"""A whole file into memory, with its size checked first; a large one into a file of our own.

Flow      a path -> media.files -> media.picture_file, media.voice_file
Gives     the bytes; decoders never see the path, so a name can't mislead them and a file that
          changes while it is read can't be one thing to the check and another to the decoder
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from portravox.errors import FileMissing, InputError
from portravox.media.sample_file import nameless_file, write_all

MIB = 1024 * 1024

IN_MEMORY_BYTES = 64 * MIB
"""Of a recording; our choice: what the original takes has 15 MiB."""

COPIED_BYTES = 4 * MIB
"""At a time; our choice."""

UNKNOWN_KIND = "a file of an unknown kind"


Content = bytes | mmap.mmap
"""Of a file, all of it."""


def read_bytes(
    path: Path, max_bytes: int, *, empty: type[InputError], too_large: type[InputError]
) -> bytes:
    """The content of a file of 1 to `max_bytes` bytes.

    `empty` and `too_large` are the errors to raise for the other sizes. Raises FileMissing where
    there is no such file, it is a folder, or it may not be read.
    """
    with _opened(path) as stream:
        size, content = _read(stream, max_bytes)
    _check(path, size, len(content), max_bytes, empty, too_large)
    return content


def read_content(
    path: Path, max_bytes: int, *, empty: type[InputError], too_large: type[InputError]
) -> Content:
    """The same, of more than IN_MEMORY_BYTES a copy in a nameless file, where there is room."""
    with _opened(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        content: Content | None = None
        if IN_MEMORY_BYTES < size <= max_bytes:
            content = _copied(stream, max_bytes)
        if content is None:
            stream.seek(0)
            size, content = _read(stream, max_bytes)
    _check(path, size, len(content), max_bytes, empty, too_large)
    return content


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Raises FileMissing, also where it can't be read to its end."""
    try:
        if not path.exists():
            raise FileMissing(path)
        if not path.is_file():  # a folder, or a pipe that would make us wait for ever
            raise FileMissing(path, "not a file")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise FileMissing(path, error.strerror or str(error)) from error


def _read(stream: BinaryIO, max_bytes: int) -> tuple[int, bytes]:
    """How many bytes there were at first, and those that are there, one too many at the most."""
    # No more than is there: so many bytes are set aside at once. One byte more tells
    # whether it grew meanwhile, and too large from just within.
    size = os.fstat(stream.fileno()).st_size
    first = min(size, max_bytes) + 1
    content = stream.read(first)
    if len(content) == first <= max_bytes:
        content += stream.read(max_bytes + 1 - first)
    return size, content


def _copied(stream: BinaryIO, max_bytes: int) -> mmap.mmap | None:
    """A copy of at most one byte too many, lest it change while it is looked at. None where there
    is no room for it."""
    try:
        with nameless_file() as copy:
            left = max_bytes + 1
            while left and (piece := stream.read(min(left, COPIED_BYTES))):
                left -= len(piece)
                write_all(copy, piece)
            return mmap.mmap(copy.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # an empty file can't be mapped: it was cut meanwhile
        return None


def _check(
    path: Path,
    size: int,
    read: int,
    max_bytes: int,
    empty: type[InputError],
    too_large: type[InputError],
) -> None:
    if not read:
        raise empty(f"{path.name} is empty (0 bytes)")
    if read > max_bytes:
        raise too_large(
            f"{path.name} has {size / MIB:.1f} MiB; wanted {max_bytes / MIB:g} MiB at most"
        )


def kind_in_words(content: bytes) -> str:
    """What a file that we do not take seems to be, for the message: 'a HEIC picture', 'text'."""
    for offset, signature, name in _SIGNATURES:
        if content[offset : offset + len(signature)] == signature:
            return name
    try:
        start = content[:512].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < 500:  # an error at the very end is only a letter cut in two
            return UNKNOWN_KIND
        start = content[: error.start].decode("utf-8")
    return "text" if start.isprintable() or "\n" in start else UNKNOWN_KIND


_SIGNATURES = (
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypheix", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypM4A", "an M4A recording"),
    (4, b"ftypqt", "a QuickTime file"),
    (4, b"ftyp", "an MP4 file"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"8BPS", "a Photoshop picture"),
    (0, b"\x00\x00\x00\x0cjP", "a JPEG 2000 picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"WAVE", "a WAV recording"),
    (8, b"AVI ", "an AVI video"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"fLaC", "a FLAC recording"),
    (0, b"ID3", "an ID3 tag without MP3 sound behind it"),
    (0, b"#!AMR", "an AMR recording"),
    (0, b"FORM", "an AIFF recording"),
    (0, b"caff", "a CAF recording"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"\x00\x00\x01\xb3", "an MPEG video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
)
"""(offset, signature, name): the first that fits is it, so the longer of two alike comes first."""
