"""A whole file into memory, with its size checked first.

Flow      a path -> media.files -> media.picture_file, media.voice_file
Gives     the bytes; decoders never see the path, so a name can't mislead them and a file that
          changes while it is read can't be one thing to the check and another to the decoder
"""

from __future__ import annotations

import os
from pathlib import Path

from portravox.errors import FileMissing, InputError

MIB = 1024 * 1024

UNKNOWN_KIND = "a file of an unknown kind"


def read_bytes(
    path: Path, max_bytes: int, *, empty: type[InputError], too_large: type[InputError]
) -> bytes:
    """The content of a file of 1 to `max_bytes` bytes.

    `empty` and `too_large` are the errors to raise for the other sizes. Raises FileMissing where
    there is no such file, it is a folder, or it may not be read.
    """
    try:
        if not path.exists():
            raise FileMissing(path)
        if not path.is_file():  # a folder, or a pipe that would make us wait for ever
            raise FileMissing(path, "not a file")
        with path.open("rb") as stream:
            # No more than is there: so many bytes are set aside at once. One byte more tells
            # whether it grew meanwhile, and too large from just within.
            size = os.fstat(stream.fileno()).st_size
            first = min(size, max_bytes) + 1
            content = stream.read(first)
            if len(content) == first <= max_bytes:
                content += stream.read(max_bytes + 1 - first)
    except OSError as error:
        raise FileMissing(path, error.strerror or str(error)) from error
    if not content:
        raise empty(f"{path.name} is empty (0 bytes)")
    if len(content) > max_bytes:
        raise too_large(
            f"{path.name} has {size / MIB:.1f} MiB; wanted {max_bytes / MIB:g} MiB at most"
        )
    return content


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
