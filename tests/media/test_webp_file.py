"""A WebP's header is believed before a canvas is made, and its chunks are counted."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from portravox.errors import PictureTooComplex, PictureUnreadable
from portravox.media.webp_file import look
from tests.fuzz.costly_files import COSTLY


def webp(**options: object) -> bytes:
    kept = io.BytesIO()
    first = Image.new("RGB", (70, 50), "red")
    first.save(kept, "WEBP", **options)
    return kept.getvalue()


@pytest.mark.parametrize(
    ("options", "moves"),
    [
        ({}, False),
        ({"lossless": True}, False),
        ({"exif": b"Exif\0\0"}, False),
        ({"save_all": True, "append_images": [Image.new("RGB", (70, 50), "blue")]}, True),
    ],
)
def test_size_and_movement_come_from_the_chunks(options: dict, moves: bool) -> None:
    facts = look("p.webp", webp(**options))
    assert (facts.size, facts.moves) == ((70, 50), moves)


def test_profile_and_orientation_are_found() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = look("p.webp", webp(icc_profile=b"some profile", exif=exif))
    assert (facts.profile, facts.orientation) == (b"some profile", 6)


def test_chunks_without_end_are_refused_at_once() -> None:
    content = COSTLY["WebP, 1.2 million chunks"]()
    start = time.process_time()
    with pytest.raises(PictureTooComplex, match="chunks"):
        look("p.webp", content)
    assert time.process_time() - start < 0.5


def test_another_beginning_is_damage() -> None:
    with pytest.raises(PictureUnreadable):
        look("p.webp", b"RIFF\x20\0\0\0WEBPabcd\4\0\0\0wxyz")
