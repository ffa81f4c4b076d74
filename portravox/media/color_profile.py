"""Colour profiles of strangers, made safe to give to LittleCMS.

Flow      the bytes of an ICC profile -> media.color_profile -> media.picture_file
"""

from __future__ import annotations

import struct

MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""Beyond this a profile is not used. Those of printing presses, the largest in use, have 0.5 to
2.5 MB; our choice."""

_HEADER_BYTES = 128
_MAX_TAGS = 200
"""A profile has 9 to 60; our choice."""


def safe_profile(profile: bytes | None) -> bytes | None:
    """The profile without its floating-point tables, or None where it should not be used.

    The tags D2Bx and B2Dx (ICC.1:2022, section 9.2) hold programs of any number of steps, whose
    curves have any number of segments: 10 MB of them take hours. All profiles that have them
    carry the usual tables (A2Bx, B2Ax) too, which LittleCMS then takes.
    """
    if not profile or len(profile) > MAX_PROFILE_BYTES or len(profile) < _HEADER_BYTES + 4:
        return None
    (tags,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    if tags > _MAX_TAGS or len(profile) < _HEADER_BYTES + 4 + 12 * tags:
        return None
    safe = bytearray(profile)
    for number in range(tags):
        at = _HEADER_BYTES + 4 + 12 * number
        if profile[at : at + 3] in (b"D2B", b"B2D"):
            safe[at : at + 4] = b"unus"
    return bytes(safe)
