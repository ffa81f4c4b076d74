"""Frame: which rectangle of a photograph a video of another shape shows.

Flow      Face, the option `frame` -> staging.frame -> staging.stage
Reads     the picture's size, the face's landmarks
Gives     Frame: a rectangle in px, which may reach beyond the picture
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from portravox.arrays import Float32, Float64
from portravox.face.face import Face
from portravox.face.outlines import OVAL

ASPECTS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"1:1": (1, 1), "9:16": (9, 16), "16:9": (16, 9), "4:5": (4, 5)}
)
"""Width to height of each value of the option `frame` but `original`."""

EYES_AT = 0.40
"""Of the height, from the top: the eyes. Near the upper third, as portraits have them, with room
for hair. Our choice."""

EYES_FROM, EYES_TO = 0.34, 0.45
ASIDE = 0.07
"""So far the eyes may be from there, and the face's middle from the middle, of the frame's sides,
before anything is made up beyond the picture. Our choice."""

FACES_HIGH = (1.15, 5.0)
"""Height of a frame in face heights, hairline to chin: at the least, so that hair and chin are in
it, and at the most, head to waist. Our choice."""

WANTED_FACES_HIGH = 2.4
"""With shoulders in them; frames are tighter only where the photograph is. Our choice."""

HEAD_FACES_HIGH = 1.7
"""A head with its hair is in it. Our choice."""

CLOSE_FACES_HIGH = (1.15, 2.0)
"""The same of a video of the face alone."""

LEAST_FACES_WIDE = 0.85
WANTED_FACES_WIDE = 1.2
"""Width of a frame in face heights: cheeks and most of the ears at the least, a head with its hair
where the photograph has the height for it. Our choice."""

SIZES = 60
"""Heights that are tried."""

COST_ABOVE, COST_BELOW, COST_ASIDE, COST_SMALLER = 4.0, 4.0, 1.0, 0.05
COST_TIGHT, COST_CUT = 0.35, 1.0
"""What speaks against a frame: its shares beyond the picture, above (hair is cut there), below (the
body is) and at the sides; and how much smaller it is than the largest, tighter than wanted, and
than a head is high, in powers of e. Our choice: a wall made up aside is seen later than a head
without its crown."""

LEAST_UNIT = 2
"""Sides are even: the units of the aspect that a frame has are, too."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle in px of the picture, whole numbers; both sides even."""

    left: int
    top: int
    width: int
    height: int


def placed(size: tuple[int, int], face: Face, aspect: str, *, close: bool = False) -> Frame:
    """The largest frame around a face that lies within the picture; where none does, the one with
    least to be made up.

    size    (width, height) of the picture
    aspect  a name of ASPECTS
    close   of the face alone
    """
    across, down = ASPECTS[aspect]
    oval = face.landmarks[list(OVAL), :2]
    face_height = float(oval[:, 1].max() - oval[:, 1].min())
    middle = float(oval[:, 0].min() + oval[:, 0].max()) / 2
    eyes = float(eye_line(face.landmarks))
    frames = [
        _at(size, unit * across, unit * down, middle, eyes)
        for unit in _units(face_height, across, down, CLOSE_FACES_HIGH if close else FACES_HIGH)
    ]
    largest = frames[0].height
    wanted = max(0.0 if close else WANTED_FACES_HIGH, WANTED_FACES_WIDE * down / across)

    def cost(one: Frame) -> float:
        smaller = COST_SMALLER * np.log(largest / one.height)
        tighter = COST_TIGHT * np.log(max(wanted * face_height / one.height, 1.0))
        head = (
            0.0
            if close
            else COST_CUT * np.log(max(HEAD_FACES_HIGH * face_height / one.height, 1.0))
        )
        return float(_beyond(size, one) + smaller + tighter + head)

    return min(frames, key=cost)


def eye_line(landmarks: Float32) -> float:
    """The height of the eyes, px from the top: mean of the corners."""
    return float(landmarks[[33, 133, 362, 263], 1].mean())


def _units(
    face_height: float, across: int, down: int, faces_high: tuple[float, float]
) -> Iterator[int]:
    """Even numbers of px an aspect's unit may have, the largest first."""
    least = max(faces_high[0] * face_height, LEAST_FACES_WIDE * face_height * down / across)
    most = max(least, faces_high[1] * face_height)
    units = np.geomspace(most, least, SIZES) / down // 2 * 2
    yield from sorted({max(LEAST_UNIT, int(unit)) for unit in units}, reverse=True)


def _at(size: tuple[int, int], width: int, height: int, middle: float, eyes: float) -> Frame:
    """A frame of this size where it would be, moved as far as it may to lie within the picture."""
    left = _moved(
        middle - 0.5 * width,
        (0, size[0] - width),
        middle - width * np.array([0.5 + ASIDE, 0.5 - ASIDE]),
    )
    top = _moved(
        eyes - EYES_AT * height,
        (0, size[1] - height),
        eyes - height * np.array([EYES_TO, EYES_FROM]),
    )
    return Frame(left, top, width, height)


def _moved(wanted: float, within: tuple[int, int], allowed: Float64) -> int:
    """The nearest place within the picture; as near to it as is allowed."""
    low, high = within
    inside = float(np.clip(wanted, low, high)) if low <= high else wanted
    return round(float(np.clip(inside, *allowed)))


def _beyond(size: tuple[int, int], one: Frame) -> float:
    aside = max(0, -one.left) + max(0, one.left + one.width - size[0])
    above, below = max(0, -one.top), max(0, one.top + one.height - size[1])
    return (
        COST_ASIDE * aside / one.width
        + COST_ABOVE * above / one.height
        + COST_BELOW * below / one.height
    )
