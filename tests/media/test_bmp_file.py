"""Every kind of BMP gives the pixels that it was made from."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from portravox.errors import PictureTooComplex, PictureUnreadable, PictureUnsupported
from portravox.media.picture_file import BACKDROP_RGB, read_picture
from tests.fuzz.costly_files import COSTLY

HEIGHT, WIDTH = 9, 13
"""Odd, so that rows have filling."""

RGB, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3


def picture(levels: int = 256) -> np.ndarray:
    """(H, W, 3) of so many levels, 0 and 255 among them."""
    numbers = np.random.default_rng(7).integers(0, levels, (HEIGHT, WIDTH, 3))
    return np.round(numbers * 255 / (levels - 1)).astype(np.uint8)


def bmp(
    rows: bytes,
    bits: int,
    *,
    header: int = 40,
    compression: int = RGB,
    masks: tuple[int, ...] = (),
    palette: np.ndarray | None = None,
    height: int = HEIGHT,
    used: int = 0,
) -> bytes:
    """A BMP with any of the headers that Windows and OS/2 have written."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, height, 1, bits)
    else:
        info = struct.pack(
            "<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(rows), 0, 0, used, 0
        )
        stored = struct.pack(f"<{len(masks)}I", *masks)
        if header < 52:
            info = info[:header] + stored
        else:
            info += stored
        info = info.ljust(header, b"\0")
    table = b""
    if palette is not None:
        entry = 3 if header == 12 else 4
        table = b"".join(bytes(c[::-1]).ljust(entry, b"\0") for c in palette.tolist())
    start = 14 + len(info) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + info + table + rows


def packed(values: np.ndarray, bits: int) -> bytes:
    """(H, W) numbers as rows from the bottom, each filled up to 4 bytes."""
    rows = []
    for row in values[::-1]:
        if bits < 8:
            text = "".join(f"{v:0{bits}b}" for v in row)
            data = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(
                -(-len(text) // 8), "big"
            )
        else:
            data = row.astype(f"<u{bits // 8}").tobytes()
        rows.append(data.ljust(-(-len(data) // 4) * 4, b"\0"))
    return b"".join(rows)


def read(tmp_path: Path, content: bytes) -> np.ndarray:
    path = tmp_path / "p.bmp"
    path.write_bytes(content)
    return read_picture(path).pixels


def words(pixels: np.ndarray, masks: tuple[int, ...]) -> np.ndarray:
    """(H, W, C) 0..255 -> words with each colour under its mask."""
    total = np.zeros(pixels.shape[:2], np.int64)
    for plane, mask in zip(np.moveaxis(pixels, -1, 0), masks, strict=False):
        shift = (mask & -mask).bit_length() - 1
        total |= np.round(plane.astype(float) * (mask >> shift) / 255.0).astype(np.int64) << shift
    return total


@pytest.mark.parametrize("header", [12, 16, 40, 52, 56, 64, 108, 124])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_under_every_header(tmp_path: Path, header: int, bits: int) -> None:
    rng = np.random.default_rng(bits)
    palette = rng.integers(0, 256, (2**bits, 3), np.uint8)
    indices = rng.integers(0, 2**bits, (HEIGHT, WIDTH))
    content = bmp(packed(indices, bits), bits, header=header, palette=palette)
    assert np.array_equal(read(tmp_path, content), palette[indices])


def test_a_palette_of_three_bytes_a_colour_shows_by_its_room(tmp_path: Path) -> None:
    palette = np.random.default_rng(3).integers(0, 256, (16, 3), np.uint8)
    indices = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 16
    core = bmp(packed(indices, 4), 4, header=12, palette=palette)
    info = struct.pack("<IiiHHIIiiII", 64, WIDTH, HEIGHT, 1, 4, 0, 0, 0, 0, 0, 0).ljust(64, b"\0")
    start = 14 + 64 + 48
    content = core[:10] + struct.pack("<I", start) + info + core[26:]
    assert np.array_equal(read(tmp_path, content), palette[indices])


def test_a_short_palette_is_black_beyond_its_end(tmp_path: Path) -> None:
    palette = np.full((3, 3), 200, np.uint8)
    indices = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 256
    pixels = read(tmp_path, bmp(packed(indices, 8), 8, palette=palette, used=3))
    assert np.array_equal(pixels[..., 0], np.where(indices < 3, 200, 0))


@pytest.mark.parametrize(
    ("header", "top_down"),
    [(12, False), *((header, way) for header in (40, 64, 108, 124) for way in (False, True))],
)
def test_24_bits(tmp_path: Path, header: int, top_down: bool) -> None:
    pixels = picture()
    flat = pixels[..., ::-1].reshape(HEIGHT, -1)
    rows = packed(flat[::-1] if top_down else flat, 8)
    content = bmp(rows, 24, header=header, height=-HEIGHT if top_down else HEIGHT)
    assert np.array_equal(read(tmp_path, content), pixels)


@pytest.mark.parametrize("header", [40, 52, 56, 108, 124])
@pytest.mark.parametrize(
    ("bits", "masks", "levels"),
    [
        (16, (0x7C00, 0x3E0, 0x1F), 32),
        (16, (0xF800, 0x7E0, 0x1F), 2),
        (16, (0xF00, 0xF0, 0xF), 16),
        (32, (0xFF0000, 0xFF00, 0xFF), 256),
        (32, (0xFF, 0xFF00, 0xFF0000), 256),
        (32, (0x3FF00000, 0xFFC00, 0x3FF), 256),
        (32, (0xFF000000, 0xFF0000, 0xFF00), 256),
    ],
)
def test_bit_fields(tmp_path: Path, header: int, bits: int, masks: tuple, levels: int) -> None:
    pixels = picture(levels)
    rows = packed(words(pixels, masks), bits)
    given = masks if header < 56 else (*masks, 0)
    content = bmp(rows, bits, header=header, compression=BITFIELDS, masks=given)
    assert np.abs(read(tmp_path, content).astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("fourth", [0, 7, 255])
def test_the_fourth_byte_of_plain_32_bits_means_nothing(tmp_path: Path, fourth: int) -> None:
    pixels = picture()
    rows = packed(words(pixels, (0xFF0000, 0xFF00, 0xFF)) | fourth << 24, 32)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    for header in (40, 124):
        content = bmp(rows, 32, header=header, masks=masks if header == 124 else ())
        assert np.array_equal(read(tmp_path, content), pixels)


def test_alpha_counts_unless_it_is_0_everywhere(tmp_path: Path) -> None:
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    pixels = picture()
    for alpha in (0, 255):
        four = np.dstack([pixels, np.full((HEIGHT, WIDTH), alpha)])
        content = bmp(packed(words(four, masks), 32), 32, header=124, compression=3, masks=masks)
        assert np.array_equal(read(tmp_path, content), pixels)
    four[0, :, 3] = 0
    content = bmp(packed(words(four, masks), 32), 32, header=124, compression=3, masks=masks)
    shown = read(tmp_path, content)
    assert np.all(shown[0] == BACKDROP_RGB) and np.array_equal(shown[1:], pixels[1:])


def test_runs_of_8_bits(tmp_path: Path) -> None:
    palette = np.arange(768).reshape(256, 3).astype(np.uint8)
    rows = b"\5\x21\0\4abcd\3\x10\0\0" + b"\0\5vwxyz\0\2\x31\0\0"  # the two lowest
    rows += b"\0\2\4\1" + b"\xff\x41\0\0" + b"\0\1"  # up by one, right by four; beyond the edge
    shown = read(tmp_path, bmp(rows, 8, compression=RLE8, palette=palette))
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[-1, :12] = [0x21] * 5 + list(b"abcd") + [0x10] * 3
    expected[-2, :7] = [*b"vwxyz", 0x31, 0x31]
    expected[-4, 4:] = 0x41
    assert np.array_equal(shown, palette[expected])


def test_runs_of_4_bits(tmp_path: Path) -> None:
    palette = np.arange(48).reshape(16, 3).astype(np.uint8) * 5
    rows = b"\5\x12\3\x34\0\5\x56\x78\x90\0\0\0" + b"\0\1"
    shown = read(tmp_path, bmp(rows, 4, compression=RLE4, palette=palette))
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[-1] = [1, 2, 1, 2, 1, 3, 4, 3, 5, 6, 7, 8, 9]
    assert np.array_equal(shown, palette[expected])


def test_a_profile_inside_is_honoured(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(srgb)
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    profile = bytes(swapped).replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    pixels = picture()
    content = bytearray(bmp(packed(pixels[..., ::-1].reshape(HEIGHT, -1), 8), 24, header=124))
    struct.pack_into("<I", content, 70, 0x4D424544)
    struct.pack_into("<II", content, 126, len(content) - 14, len(profile))
    shown = read(tmp_path, bytes(content) + profile)
    assert np.abs(shown.astype(int) - pixels[..., ::-1]).max() <= 3


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    for compression, name in ((4, "JPEG"), (5, "PNG")):
        with pytest.raises(PictureUnsupported, match=f"{name} picture inside"):
            read(tmp_path, bmp(b"abcd", 0, compression=compression))
    with pytest.raises(PictureUnsupported, match="OS/2"):
        read(tmp_path, bmp(b"abcd", 24, header=64, compression=4))
    with pytest.raises(PictureUnreadable, match="17 bits"):
        read(tmp_path, bmp(b"abcd", 17))


def test_cut_off_anywhere_it_is_told(tmp_path: Path) -> None:
    whole = bmp(packed(picture().reshape(HEIGHT, -1), 8), 24)
    for size in range(20, len(whole) - 1, 17):
        with pytest.raises(PictureUnreadable):
            read(tmp_path, whole[:size])
    runs = bmp(b"\5\x21\0\0" * 3, 8, compression=RLE8, palette=np.zeros((256, 3), np.uint8))
    with pytest.raises(PictureUnreadable, match="3 of 9 rows"):
        read(tmp_path, runs)


def test_runs_that_lead_nowhere_end(tmp_path: Path) -> None:
    start = time.process_time()
    with pytest.raises(PictureTooComplex, match="runs"):
        read(tmp_path, COSTLY["BMP, moves that lead nowhere"]())
    assert time.process_time() - start < 4.0


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_what_pillow_writes_is_what_is_read(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    image.save(tmp_path / "w.bmp")
    assert np.array_equal(read_picture(tmp_path / "w.bmp").pixels, np.asarray(image.convert("RGB")))


def test_the_reported_files_are_read(samples: Path) -> None:
    odd = read_picture(samples / "reported" / "v5_alpha_zero.bmp").pixels
    assert odd.shape == (512, 512, 3) and odd.std() > 30
    assert not np.any(np.all(odd == BACKDROP_RGB, axis=-1).mean() > 0.5)
    fields = read_picture(samples / "reported" / "rgb32bf.bmp")
    assert (fields.width_px, fields.height_px) == (127, 64)
    assert 100 < fields.pixels.mean() < 140 and fields.pixels.std() > 50  # the suite's ramps
