"""A PNG's chunks are counted and checked before anything is decoded."""

from __future__ import annotations

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portravox.errors import (
    PictureTooComplex,
    PictureTransparent,
    PictureUnreadable,
    PictureUnsupported,
)
from portravox.media.picture_file import read_picture
from portravox.media.png_file import take_apart
from tests.fuzz.costly_files import COSTLY


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(size: int = 40) -> bytes:
    rng = np.random.default_rng(6)
    kept = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8)).save(kept, "PNG")
    return kept.getvalue()


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        found.append((kind, content[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def test_pixels_in_single_bytes_with_anything_between_are_the_same(tmp_path: Path) -> None:
    plain = png()
    expected = np.asarray(Image.open(io.BytesIO(plain)))
    (_, header), *rest = chunks(plain)
    pixels = b"".join(body for kind, body in rest if kind == b"IDAT")
    loaded = plain[:8] + chunk(b"IHDR", header) + chunk(b"tEXt", b"a\0b") * 20
    loaded += b"".join(
        chunk(b"IDAT", pixels[n : n + 1]) + chunk(b"IDAT") for n in range(len(pixels))
    )
    path = tmp_path / "p.png"
    for end in (chunk(b"IEND") + b"junk", b""):
        path.write_bytes(loaded + end)
        assert np.array_equal(read_picture(path).pixels, expected)


def test_chunks_without_end_are_refused_at_once() -> None:
    for name in ("PNG, 860,000 empty chunks", "PNG, 600,000 texts"):
        content = COSTLY[name]()
        start = time.process_time()
        with pytest.raises(PictureTooComplex, match="chunks"):
            take_apart("p.png", content)
        assert time.process_time() - start < 1.0


def test_a_profile_is_inflated_no_further_than_it_may_be() -> None:
    content = COSTLY["PNG, profile inflated to 256 MB"]()
    start = time.process_time()
    parts = take_apart("p.png", content)
    assert parts.profile is not None and len(parts.profile) < 5_000_000
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_a_wrong_check_sum_is_told(kind: bytes) -> None:
    plain = bytearray(png())
    at = plain.index(kind)
    size = int.from_bytes(plain[at - 4 : at], "big")
    plain[at + 4 + size] ^= 1
    with pytest.raises(PictureUnreadable, match=f"check sum of its chunk {kind.decode()}"):
        take_apart("p.png", bytes(plain))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("kind", [0, 2])
def test_the_one_transparent_colour_is_that_of_the_file(
    tmp_path: Path, kind: int, depth: int
) -> None:
    if kind == 2 and depth < 8:
        depth = 8  # RGB has no fewer
    full = 2**depth - 1
    values = np.array([0, full // 2, full]) if depth > 1 else np.array([0, 1, 1])  # along a row
    samples = np.repeat(values, 1 if kind == 0 else 3)
    bits = "".join(f"{value:0{depth}b}" for value in samples)
    bits += "0" * (-len(bits) % 8)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    for number in (0, 1, 2):
        clear = struct.pack(">H", values[number]) * (1 if kind == 0 else 3)
        head = struct.pack(">IIBBBBB", 3, 2, depth, kind, 0, 0, 0)
        path = tmp_path / "p.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", head)
            + chunk(b"tRNS", clear)
            + chunk(b"IDAT", zlib.compress(row * 2))
            + chunk(b"IEND")
        )
        shown = read_picture(path).pixels[0, :, 0]
        grey = values >> 8 if depth == 16 else values * 255 // full
        assert shown.tolist() == np.where(values == values[number], 224, grey).tolist()


def test_apples_own_form_is_named() -> None:
    plain = png()
    with pytest.raises(PictureUnsupported, match="iPhone"):
        take_apart("p.png", plain[:8] + chunk(b"CgBI", bytes(4)) + plain[8:])


def test_a_picture_that_is_transparent_everywhere_says_so(tmp_path: Path, samples: Path) -> None:
    path = tmp_path / "clear.png"
    for mode in ("RGBA", "LA"):
        Image.new(mode, (20, 20)).save(path)
        with pytest.raises(PictureTransparent, match="transparent everywhere"):
            read_picture(path)
    with pytest.raises(PictureTransparent):
        read_picture(samples / "reported" / "alpha_all_zero.png")
