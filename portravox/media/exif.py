"""The one thing that we want of an Exif block: which way up its picture is.

Flow      the bytes of an Exif block -> media.exif -> media.picture_file

Read by hand: a general reader copies every entry that the block names, and 65,535 entries may all
name the same megabytes.
"""

from __future__ import annotations

import struct

UPRIGHT = 1

_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4
"""Types of a value (TIFF 6.0, section 2)."""


def orientation(block: bytes | None) -> int:
    """1 to 8 (EXIF 2.32, tag 0x0112); 1, upright, where nothing or nothing valid is said."""
    if not block:
        return UPRIGHT
    start = 6 if block.startswith(b"Exif\0") else 0
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[start : start + 4])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(order + "I", block, start + 4)
        (entries,) = struct.unpack_from(order + "H", block, start + directory)
        for number in range(entries):
            at = start + directory + 2 + 12 * number
            tag, kind, count = struct.unpack_from(order + "HHI", block, at)
            if tag == _ORIENTATION_TAG and kind in (_SHORT, _LONG) and count == 1:
                (value,) = struct.unpack_from(
                    order + ("H" if kind == _SHORT else "I"), block, at + 8
                )
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:  # it ends before what it announces
        pass
    return UPRIGHT
