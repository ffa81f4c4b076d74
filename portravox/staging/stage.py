"""Stage: the photograph as an engine is to have it, by what the caller wants around the person.

Flow      media.picture, JobOptions -> staging.stage -> engines (register)
Reads     the picture, `face`, `frame`, `paste_back`, `max_side`
Gives     Staged: the picture to register, which face in it is meant, the direction

Done once, on the still picture and before any engine sees it, so every engine has it and what is
behind the person is as still as a photograph's background. The verdict is that of the picture as it
came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from portravox.arrays import UInt8
from portravox.face.matte import person_matte
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.options import Direction, JobOptions
from portravox.staging.beyond import carried_on, cuts_head
from portravox.staging.frame import ASPECTS, Frame, placed

CUT_HEAD = "the picture's border cuts the head, and what the chosen shape shows beyond is made up"

LARGEST_SIDE_PX = 4096
"""Of any video; the limit of pictures."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What an engine is given."""

    picture: Picture

    face: str | None
    """Which face is meant, as `face.choice` reads it."""

    direction: Direction


def reading_side(options: JobOptions) -> int | None:
    """The longer side to which a picture may be scaled down while it is read.

    A part of it is to have the size that the caller asks for, and not the whole.
    """
    return options.max_side if _aspect(options) is None else None


def staged(picture: Picture, options: JobOptions) -> Staged:
    """The picture made ready; as it is where nothing is asked for.

    Raises FaceError and SettingOutOfRange, as an engine would for the picture as it came.

    >>> from portravox import JobOptions, read_picture
    >>> from portravox.staging.stage import staged
    >>> ready = staged(read_picture("face.png"), JobOptions(frame="9:16", max_side=256))
    >>> ready.picture.width_px, ready.picture.height_px
    (144, 256)
    """
    aspect = _aspect(options)
    if aspect is None:
        return Staged(picture, options.face, options.direction)
    face, notices = require_face(picture, options.face)
    size = (picture.width_px, picture.height_px)
    frame = placed(size, face, aspect, close=not options.paste_back)
    if _reaches_beyond(size, frame):
        matte = person_matte(picture.pixels, face)
        if cuts_head(matte, frame, face):
            notices = (*notices, CUT_HEAD)
    else:
        matte = np.ones(picture.pixels.shape[:2], np.float32)
    pixels, _ = carried_on(picture.pixels, matte, frame, face)
    middle = face.landmarks[:468, :2].mean(axis=0) - (frame.left, frame.top)
    point = np.clip(middle / (frame.width, frame.height), 0.0, 1.0)
    shrunk = _at_most(pixels, min(options.max_side or LARGEST_SIDE_PX, LARGEST_SIDE_PX), aspect)
    return Staged(
        Picture(shrunk, (*picture.notices, *notices)),
        f"{point[0]:.6f},{point[1]:.6f}",
        replace(options.direction, paste_back=True),
    )


def _aspect(options: JobOptions) -> str | None:
    """The shape to be framed; None: the picture's own, or the square of the face alone."""
    if options.frame == "original" or (options.frame == "1:1" and not options.paste_back):
        return None
    return options.frame


def _reaches_beyond(size: tuple[int, int], frame: Frame) -> bool:
    right, bottom = frame.left + frame.width, frame.top + frame.height
    return frame.left < 0 or frame.top < 0 or right > size[0] or bottom > size[1]


def _at_most(pixels: UInt8, side_px: int, aspect: str) -> UInt8:
    """Scaled down so that the longer side is at most this, sides even and in the aspect."""
    height, width = pixels.shape[:2]
    if max(width, height) <= side_px:
        return pixels
    across, down = ASPECTS[aspect]
    unit = max(2, side_px // max(across, down) // 2 * 2)
    size = (unit * across, unit * down)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
