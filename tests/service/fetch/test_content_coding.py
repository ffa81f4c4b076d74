from __future__ import annotations

import gzip
import random
import time
import zlib

import pytest

from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.content_coding import (
    GRACE_BYTES,
    MAX_MEMBERS,
    MAX_RATIO,
    PIECE_BYTES,
    unpacked,
)

CONTENT = random.Random(3).randbytes(40_000) + b"portravox" * 20_000


def pieces(packed: bytes, size: int = 7_001):
    return (packed[i : i + size] for i in range(0, len(packed), size))


def raw_deflate(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(content) + packing.flush()


@pytest.mark.parametrize(
    ("named", "packed"),
    [
        ("", CONTENT),
        ("identity", CONTENT),
        ("aws-chunked", CONTENT),
        ("gzip", gzip.compress(CONTENT)),
        ("GZip", gzip.compress(CONTENT)),
        ("x-gzip", gzip.compress(CONTENT)),
        ("gzip, aws-chunked", gzip.compress(CONTENT)),
        ("gzip", gzip.compress(CONTENT[:50_000]) + gzip.compress(CONTENT[50_000:])),
        ("deflate", zlib.compress(CONTENT)),
        ("deflate", raw_deflate(CONTENT)),
    ],
)
def test_there_and_back_in_pieces_of_any_size(named, packed):
    for size in (2, 100, 7_001, 1 << 20):
        found = list(unpacked(pieces(packed, size), named))
        assert b"".join(found) == CONTENT
        if "gzip" in named or named == "deflate":
            assert max(map(len, found)) <= PIECE_BYTES


@pytest.mark.parametrize("named", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "nonsense"])
def test_what_we_cannot_unpack_is_named(named):
    with pytest.raises(InputDownloadFailed) as told:
        list(unpacked(pieces(CONTENT), named))
    assert named in told.value.reason


@pytest.mark.parametrize(
    "packed",
    [
        CONTENT,
        b"\x1f\x8b",
        gzip.compress(CONTENT)[:-1],
        gzip.compress(CONTENT)[:30_000],
        gzip.compress(CONTENT) + b"more",
        gzip.compress(CONTENT)[:-8] + b"12345678",
    ],
)
def test_what_is_damaged_is_none(packed):
    with pytest.raises(InputDownloadFailed):
        list(unpacked(pieces(packed), "gzip"))


def test_deflate_ends_once():
    with pytest.raises(InputDownloadFailed, match="downloaded"):
        list(unpacked(pieces(zlib.compress(CONTENT) * 2), "deflate"))


def test_a_bomb_ends_by_its_ratio_and_long_before_it_is_whole():
    bomb = gzip.compress(bytes(200 << 20))
    assert len(bomb) * MAX_RATIO < 200 << 20
    received = 0
    begun = time.process_time()
    with pytest.raises(InputDownloadFailed, match="downloaded"):
        for piece in unpacked(pieces(bomb, 65_536), "gzip"):
            received += len(piece)
    assert received <= GRACE_BYTES + MAX_RATIO * 65_536 + PIECE_BYTES
    assert time.process_time() - begun < 1.0


def test_many_members_are_no_way_to_keep_us_busy():
    members = gzip.compress(b"") * (MAX_MEMBERS + 1)
    with pytest.raises(InputDownloadFailed):
        list(unpacked(pieces(members), "gzip"))
    assert b"".join(unpacked(pieces(gzip.compress(b"a") * MAX_MEMBERS), "gzip")) == b"a" * 1000
