"""A JPEG's structure says what decoding it costs, and its decoder sees only what it needs."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portravox.errors import PictureTooComplex, PictureUnreadable, PictureUnsupported
from portravox.media.jpeg_file import MAX_SCANS, take_apart
from portravox.media.picture_file import read_picture
from tests.fuzz.costly_files import COSTLY, progressive_scans


def jpeg(**options: object) -> bytes:
    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (12, 20, 3), np.uint8)
    kept = io.BytesIO()
    picture = Image.fromarray(small).resize((160, 96), Image.Resampling.BICUBIC)
    picture.save(kept, "JPEG", quality=90, **options)
    return kept.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 255, marker, len(body) + 2) + body


def pixels(path: Path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    return read_picture(path).pixels


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_what_a_decoder_does_not_need_makes_no_difference(tmp_path: Path, options) -> None:
    plain = jpeg(**options)
    notes = segment(0xE1, b"Exif\0\0junk") * 50 + segment(0xFE, b"a comment") * 50 + b"\xff" * 1000
    loaded = plain[:2] + notes + plain[2:] + b"whatever comes behind" * 100
    expected = np.asarray(Image.open(io.BytesIO(plain)).convert("RGB"))
    assert np.array_equal(pixels(tmp_path / "p.jpg", plain), expected)
    assert np.array_equal(pixels(tmp_path / "p.jpg", loaded), expected)
    assert len(take_apart("p.jpg", loaded).content) <= len(plain)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("missing", [1, 2])
def test_without_its_end_marker_a_picture_is_whole(tmp_path: Path, options, missing: int) -> None:
    plain = jpeg(**options)
    expected = pixels(tmp_path / "p.jpg", plain)
    assert np.array_equal(pixels(tmp_path / "p.jpg", plain[:-missing]), expected)
    assert np.array_equal(pixels(tmp_path / "p.jpg", plain[:-2] + bytes(300)), expected)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_with_any_more_missing_it_is_cut_off(tmp_path: Path, options) -> None:
    plain = jpeg(**options)
    scans = [at for at in range(len(plain)) if plain[at : at + 2] == b"\xff\xda"]
    for size in (len(plain) - 8, len(plain) - 40, len(plain) // 2, *scans[1:]):
        with pytest.raises(PictureUnreadable, match="cut off"):
            pixels(tmp_path / "p.jpg", plain[:size])


def test_scans_that_cost_more_than_bytes_are_refused_at_once() -> None:
    for content in (progressive_scans(3_000_000), progressive_scans(3_000_000, high=1)):
        start = time.process_time()
        with pytest.raises(PictureTooComplex, match="scans"):
            take_apart("p.jpg", content)
        assert time.process_time() - start < 0.5


def test_scans_are_allowed_to_their_limit_and_not_beyond() -> None:
    plain = jpeg(progressive=True)
    end = plain[:-2]
    first = end.index(b"\xff\xda")
    own = end.count(b"\xff\xda")
    second = end.index(b"\xff\xda", first + 2)
    direct = end[first:second]  # the scan of the coefficients at 0: one of 64
    assert take_apart("p.jpg", end + direct * (MAX_SCANS - own) + b"\xff\xd9").complete
    with pytest.raises(PictureTooComplex, match="100 scans"):
        take_apart("p.jpg", end + direct * (MAX_SCANS - own + 1) + b"\xff\xd9")


def test_segments_without_end_are_refused_at_once() -> None:
    for name in ("JPEG, 2 MB of 10-byte Exif", "JPEG, 10 MB of empty comments"):
        content = COSTLY[name]()
        start = time.process_time()
        with pytest.raises(PictureTooComplex, match="segments"):
            take_apart("p.jpg", content)
        assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("marker", "name"), [(0xC3, "lossless"), (0xC9, "arithmetic"), (0xC5, "hierarchical")]
)
def test_rare_kinds_are_named(marker: int, name: str) -> None:
    plain = jpeg()
    at = plain.index(b"\xff\xc0")
    with pytest.raises(PictureUnsupported, match=name):
        take_apart("p.jpg", plain[: at + 1] + bytes((marker,)) + plain[at + 2 :])


def test_twelve_bits_are_named() -> None:
    plain = bytearray(jpeg())
    plain[plain.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(PictureUnsupported, match="12 bits"):
        take_apart("p.jpg", bytes(plain))


def test_a_profile_comes_together_from_its_pieces_in_any_order() -> None:
    plain = jpeg()
    pieces = [
        segment(0xE2, b"ICC_PROFILE\0" + bytes((n, 3)) + bytes((64 + n,)) * 1000) for n in (1, 2, 3)
    ]
    for order in ((0, 1, 2), (2, 0, 1)):
        content = plain[:2] + b"".join(pieces[n] for n in order) + plain[2:]
        assert take_apart("p.jpg", content).profile == b"A" * 1000 + b"B" * 1000 + b"C" * 1000
    assert take_apart("p.jpg", plain[:2] + pieces[0] + pieces[2] + plain[2:]).profile is None


def test_the_reported_file_without_its_end_gives_equal_pixels(samples: Path) -> None:
    path = samples / "reported" / "no_eoi.jpg"
    whole = Image.open(io.BytesIO(path.read_bytes() + b"\xff\xd9")).convert("RGB")
    assert np.array_equal(read_picture(path).pixels, np.asarray(whole))
