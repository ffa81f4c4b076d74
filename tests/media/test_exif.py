"""Which way up: from both byte orders and both sizes of number, and nothing from damage."""

from __future__ import annotations

import struct
import time

import pytest

from portravox.media.exif import orientation


def block(order: str, value: int, *, kind: int = 3, before: int = 0, tag: int = 0x0112) -> bytes:
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entries = struct.pack(order + "HHI4s", 0x010F, 2, 4, b"abc\0") * before
    entries += struct.pack(order + "HHI", tag, kind, 1)
    entries += struct.pack(
        order + ("HH" if kind == 3 else "I"), *((value, 0)[: 2 if kind == 3 else 1])
    )
    return start + struct.pack(order + "H", before + 1) + entries


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_every_orientation_is_found(order: str, kind: int, prefix: bytes) -> None:
    for value in range(1, 9):
        assert orientation(prefix + block(order, value, kind=kind, before=3)) == value


@pytest.mark.parametrize(
    "damaged",
    [None, b"", b"II*\0", b"Exif\0\0", b"no exif at all", block("<", 0), block("<", 9),
     block("<", 6)[:19], block("<", 6, tag=0x0113)],
)  # fmt: skip
def test_nothing_valid_is_upright(damaged: bytes | None) -> None:
    assert orientation(damaged) == 1


def test_entries_that_all_name_the_same_megabyte_cost_nothing() -> None:
    entries = struct.pack("<HHII", 0x9000, 7, 700_000, 8) * 65_535
    start = time.process_time()
    assert orientation(b"II*\0" + struct.pack("<IH", 8, 65_535) + entries) == 1
    assert time.process_time() - start < 0.5
