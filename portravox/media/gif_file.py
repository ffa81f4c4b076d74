"""How many pieces come before the first frame of a GIF, counted before anything is decoded.

Flow      media.picture_file -> media.gif_file

Pillow reads comments and extensions piece by piece in Python, and joins them at growing cost.
"""

from __future__ import annotations

from portravox.errors import PictureTooComplex

MAX_BLOCKS = 100_000
"""Of up to 255 bytes, to the end of the first frame: 10 MiB of pixels are 41,000. Our choice."""

_EXTENSION, _IMAGE = 0x21, 0x2C


def check_blocks(name: str, content: bytes) -> None:
    """Raise PictureTooComplex for a GIF of needlessly many pieces; damage is for its reader."""
    at, count, is_image = 13 + _table_bytes(content[10:11]), 0, False
    while at < len(content) and not is_image:
        is_image = content[at] == _IMAGE
        if is_image:
            at += 10 + _table_bytes(content[at + 9 : at + 10]) + 1
        elif content[at] == _EXTENSION:
            at += 2
        else:
            return
        while at < len(content) and content[at] and count <= MAX_BLOCKS:
            at += 1 + content[at]
            count += 1
        at += 1
        count += 1
        if count > MAX_BLOCKS:
            break
    if count > MAX_BLOCKS:
        raise PictureTooComplex(f"{name} consists of more than {MAX_BLOCKS} pieces")


def _table_bytes(flags: bytes) -> int:
    """Of the colour table that the flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0
