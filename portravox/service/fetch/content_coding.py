"""What a server packed is unpacked while it comes, within bounds.

Flow      fetch.download -> fetch.content_coding

We ask for files as they are. Object stores send what was stored packed (`Content-Encoding: gzip`)
packed all the same, whatever is asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from portravox.service.errors import InputDownloadFailed

MAX_RATIO = 200
"""Bytes that one packed byte may become, once GRACE_BYTES have come. Our choice: photographs and
voices pack by less than 20, drawings in BMP by up to 100; a bomb of zeros by 1,030."""

GRACE_BYTES = 1 << 20
"""So much may come whatever the ratio."""

MAX_MEMBERS = 1000
"""Of a gzip file; some programs write several. Our choice."""

PIECE_BYTES = 1 << 16

_DAMAGED = "its server sent it packed (Content-Encoding), and it cannot be unpacked"

_PLAIN = frozenset({"", "identity", "aws-chunked"})
"""aws-chunked is how an object was uploaded; some stores tell it afterwards, when it is gone."""

_GZIP = frozenset({"gzip", "x-gzip"})

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_RAW_WINDOW = -zlib.MAX_WBITS


class _Unpacking(Protocol):
    def decompress(self, data: bytes, max_length: int = 0) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...


def unpacked(pieces: Iterator[bytes], content_encoding: str) -> Iterator[bytes]:
    """The file's own bytes, whatever it was packed in.

    content_encoding  the header; empty where there is none

    Raises InputDownloadFailed for what we cannot unpack, what is damaged, and what grows beyond
    reason. Nothing comes in pieces of more than PIECE_BYTES.
    """
    codings = [name.strip().lower() for name in content_encoding.split(",")]
    named = [name for name in codings if name not in _PLAIN]
    if not named:
        return pieces
    if len(named) > 1 or named[0] not in _GZIP | {"deflate"}:
        raise InputDownloadFailed(
            f"packed in a way that we do not know: {content_encoding:.80}",
            told="its server sent it packed by another way than gzip or deflate",
        )
    return _within_ratio(pieces, is_gzip=named[0] in _GZIP)


def _within_ratio(pieces: Iterator[bytes], *, is_gzip: bool) -> Iterator[bytes]:
    packed_bytes = plain_bytes = 0

    def counted() -> Iterator[bytes]:
        nonlocal packed_bytes
        for piece in pieces:
            packed_bytes += len(piece)
            yield piece

    for plain in _inflated(counted(), is_gzip=is_gzip):
        plain_bytes += len(plain)
        if plain_bytes > GRACE_BYTES + MAX_RATIO * packed_bytes:
            raise InputDownloadFailed(
                f"{packed_bytes} packed bytes become {plain_bytes} and more", told=_DAMAGED
            )
        yield plain


def _inflated(pieces: Iterator[bytes], *, is_gzip: bool) -> Iterator[bytes]:
    unpacking: _Unpacking | None = None
    members = 0
    for piece in pieces:
        left = piece
        while left:
            if unpacking is None or unpacking.eof:
                members += 1
                if members > (MAX_MEMBERS if is_gzip else 1):
                    raise InputDownloadFailed(
                        "more after the end of what was packed", told=_DAMAGED
                    )
                unpacking = _begun(left, is_gzip=is_gzip)
            try:
                plain = unpacking.decompress(left, PIECE_BYTES)
            except zlib.error as error:
                raise InputDownloadFailed(f"packed and damaged: {error}", told=_DAMAGED) from error
            if plain:
                yield plain
            left = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
    # What is held back because the last piece was full comes now.
    while unpacking is not None and not unpacking.eof:
        try:
            plain = unpacking.decompress(b"", PIECE_BYTES)
        except zlib.error as error:
            raise InputDownloadFailed(f"packed and damaged: {error}", told=_DAMAGED) from error
        if not plain:
            raise InputDownloadFailed("packed, and cut off", told=_DAMAGED)
        yield plain


def _begun(first: bytes, *, is_gzip: bool) -> _Unpacking:
    if is_gzip:
        return zlib.decompressobj(_GZIP_WINDOW)
    # "deflate" is zlib's format (RFC 9110), and some servers send it without zlib's header. That
    # header's first byte has 8 in its lower half, its two bytes are a multiple of 31.
    has_header = len(first) > 1 and first[0] & 15 == 8 and int.from_bytes(first[:2]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else _RAW_WINDOW)
