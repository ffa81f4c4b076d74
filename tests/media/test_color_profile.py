"""Profiles keep their tables and lose their programs."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from portravox.media.color_profile import MAX_PROFILE_BYTES, safe_profile
from portravox.media.picture_file import read_picture
from tests.fuzz.costly_files import COSTLY

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_an_ordinary_profile_stays_as_it_is() -> None:
    assert safe_profile(SRGB) == SRGB


@pytest.mark.parametrize(
    "profile",
    [None, b"", b"no profile", SRGB[:131], SRGB + bytes(MAX_PROFILE_BYTES),
     SRGB[:128] + struct.pack(">I", 201) + SRGB[132:]],
)  # fmt: skip
def test_others_are_not_used(profile: bytes | None) -> None:
    assert safe_profile(profile) is None


def test_programs_are_taken_out() -> None:
    renamed = SRGB.replace(b"wtpt", b"D2B1", 1)
    safe = safe_profile(renamed)
    assert safe is not None and b"D2B1" not in safe and len(safe) == len(SRGB)


def test_a_program_of_sixty_thousand_steps_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(COSTLY["PNG, profile of 60,000 segments"]())
    start = time.process_time()
    picture = read_picture(path)
    assert time.process_time() - start < 3.0
    assert "profile" in picture.notices[0]


def test_a_profile_too_large_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    Image.new("RGB", (8, 8), (10, 20, 30)).save(
        path, icc_profile=SRGB + np.random.default_rng(1).bytes(MAX_PROFILE_BYTES)
    )
    picture = read_picture(path)
    assert "profile" in picture.notices[0]
    assert picture.pixels[0, 0].tolist() == [10, 20, 30]
