"""Byte ranges: which part of a file a download asks for.

Flow      routes.files: Range, If-Range -> ranges -> status, headers and the bytes to send

Players seek by ranges and downloads are resumed with them. RFC 9110, sections 13.1.5 and 14.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,20})-([0-9]{0,20})[ \t]*", re.ASCII | re.IGNORECASE)
"""One range of bytes. 20 digits hold every 64-bit number, which some clients send for "to the end";
longer ones would only cost time. Several ranges do not fit: see `part_asked_for`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to answer."""

    status: int
    """200 the whole file, 206 a part of it, 416 the range lies behind the file's end"""

    first: int
    """Offset of the first byte to send."""

    length: int
    """How many bytes to send; 0 with 416."""

    headers: dict[str, str]
    """Accept-Ranges, Content-Length, ETag and, unless the file is sent whole, Content-Range."""


def part_asked_for(
    range_header: str | None, *, size_bytes: int, etag: str, if_range: str | None = None
) -> Part:
    """The part of a file that a request asks for.

    range_header   `Range` as it was sent; what is not understood counts as not sent, as the RFC
                   wants it
    etag           of the file, in quotes
    if_range       `If-Range` as it was sent: the range counts only if this is the file's ETag.
                   Dates are taken for changed, since we send no Last-Modified

    Several ranges in one request are answered with the whole file, which the RFC allows: players
    and downloaders send one, and small overlapping ones by the hundred are an attack
    (CVE-2011-3192).
    """
    shared = {"Accept-Ranges": "bytes", "ETag": etag}
    asked = _RANGE.fullmatch(range_header or "")
    # Without either number it is no range at all.
    if asked is None or asked[1] == asked[2] == "" or if_range not in (None, etag):
        headers = {**shared, "Content-Length": str(size_bytes)}
        return Part(status=200, first=0, length=size_bytes, headers=headers)
    if asked[1] == "":  # the last so many bytes
        first, last = max(size_bytes - int(asked[2]), 0), size_bytes - 1
    else:
        first, last = int(asked[1]), min(int(asked[2] or size_bytes), size_bytes - 1)
        if asked[2] and int(asked[2]) < first:
            # Backwards is not understood, rather than behind the end (section 14.1.1).
            return part_asked_for(None, size_bytes=size_bytes, etag=etag)
    if first >= size_bytes:
        headers = {**shared, "Content-Length": "0", "Content-Range": f"bytes */{size_bytes}"}
        return Part(status=416, first=0, length=0, headers=headers)
    length = last - first + 1
    headers = {
        **shared,
        "Content-Length": str(length),
        "Content-Range": f"bytes {first}-{last}/{size_bytes}",
    }
    return Part(status=206, first=first, length=length, headers=headers)
