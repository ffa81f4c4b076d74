"""A face that ships with a library, a drawn mouth, and the sample portraits where present."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.demo import demo_portrait
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.mouth import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from portravox.face.verdict import Verdict, judge
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture


@pytest.fixture(scope="session")
def astronaut() -> Picture:
    """A smiling woman, 512 px, her face 93 px wide; public domain."""
    return read_picture(demo_portrait())


@pytest.fixture(scope="session")
def astronaut_face(astronaut: Picture) -> Face:
    return find_face(astronaut)[0]


class SampleJudge(Protocol):
    def __call__(self, name: str) -> Verdict: ...


@pytest.fixture(scope="session")
def judge_sample(samples: Path) -> SampleJudge:
    """Judges a sample picture by its path under the samples; each only once."""

    @lru_cache(maxsize=64)
    def verdict(name: str) -> Verdict:
        return judge(read_picture(samples / name, max_side_px=1600))

    return verdict


class MouthDrawer(Protocol):
    def __call__(
        self, inside: tuple[int, int, int], gap_px: float, *, mesh_gap_px: float = 0.0
    ) -> tuple[UInt8, Float32]: ...


@pytest.fixture(scope="session")
def draw_mouth() -> MouthDrawer:
    """Draws red lips, 200 px wide, around (200, 200), and the landmarks a mesh might give.

    inside       colour of the opening
    gap_px       height of the opening at the middle
    mesh_gap_px  the height that the landmarks claim
    """

    def draw(
        inside: tuple[int, int, int], gap_px: float, *, mesh_gap_px: float = 0.0
    ) -> tuple[UInt8, Float32]:
        big = np.full((1600, 1600, 3), (224, 180, 150), np.uint8)  # drawn at 4 times the size
        cv2.ellipse(big, (800, 800), (400, 168), 0, 0, 360, (176, 84, 84), -1)
        if gap_px > 0:
            cv2.ellipse(big, (800, 800), (300, round(2 * gap_px)), 0, 0, 360, inside, -1)
        pixels = cv2.resize(big, (400, 400), interpolation=cv2.INTER_AREA)
        landmarks = np.zeros((478, 3), np.float32)
        landmarks[:, :2] = 200.0
        along = np.linspace(-1.0, 1.0, 11)
        bow = np.sqrt(1.0 - along**2)
        for ids, reach, height in (
            (UPPER_OUTER, 100.0, -42.0),
            (LOWER_OUTER, 100.0, 42.0),
            (UPPER_INNER, 75.0, -mesh_gap_px / 2.0),
            (LOWER_INNER, 75.0, mesh_gap_px / 2.0),
        ):
            landmarks[ids, 0] = 200.0 + reach * along
            landmarks[ids, 1] = 200.0 + height * bow
        return np.asarray(pixels, np.uint8), landmarks

    return draw
