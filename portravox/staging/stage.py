"""Stage: the photograph as an engine is to have it, by what the caller wants around the person.

Flow      media.picture, JobOptions -> staging.stage -> engines (register)
Reads     the picture, `face`, `frame`, `background`, `paste_back`, `max_side`
Gives     Staged: the picture to register, which face in it is meant, the direction

Done once, on the still picture and before any engine sees it, so every engine has it and what is
behind the person is as still as a photograph's background. The verdict is that of the picture as it
came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.face import Face
from portravox.face.matte import person_matte
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.media.planes import even_sides
from portravox.options import Direction, JobOptions, background_kind
from portravox.render.upright import upright_square
from portravox.staging.backdrop import set_before
from portravox.staging.beyond import carried_on, cuts_head
from portravox.staging.cutout import fine_cutout
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


@dataclass(frozen=True, slots=True, eq=False)
class _Shaped:
    """The photograph in the video's shape, its own background still behind."""

    pixels: UInt8
    """(H, W, 3)"""

    matte: Float32
    """(H, W) 0..1 the person, where that is asked for; else anything"""

    middle: Float32
    """(2,) px, of the face"""

    notices: tuple[str, ...] = ()


def reading_side(options: JobOptions) -> int | None:
    """The longer side to which a picture may be scaled down while it is read.

    A part of it is to have the size that the caller asks for, and not the whole.
    """
    return options.max_side if _aspect(options) is None else None


def staged(picture: Picture, options: JobOptions, backdrop: Picture | None = None) -> Staged:
    """The picture made ready; as it is where nothing is asked for.

    backdrop   what `background` names, where that is a picture

    Raises FaceError and SettingOutOfRange, as an engine would for the picture as it came.

    >>> from portravox import JobOptions, read_picture
    >>> from portravox.staging.stage import staged
    >>> ready = staged(read_picture("face.png"), JobOptions(frame="9:16", max_side=256))
    >>> ready.picture.width_px, ready.picture.height_px
    (144, 256)
    """
    aspect = _aspect(options)
    is_kept = options.background == "keep"
    if aspect is None and is_kept:
        return Staged(picture, options.face, options.direction)
    face, notices = require_face(picture, options.face)
    if aspect is not None:
        shaped = _framed(picture.pixels, face, aspect, options)
    elif options.paste_back:
        shaped = _whole(picture.pixels, face)
    else:
        shaped = _square(picture.pixels, face)
    point = np.clip(shaped.middle / shaped.pixels.shape[1::-1], 0.0, 1.0)
    told = (*picture.notices, *notices, *shaped.notices, *(backdrop.notices if backdrop else ()))
    if is_kept:
        made = Picture(shaped.pixels, told)
    else:
        pixels = set_before(
            shaped.pixels,
            shaped.matte,
            options.background,
            None if backdrop is None else backdrop.pixels,
        )
        is_clear = background_kind(options.background) == "transparent"
        made = Picture(pixels, told, matte=shaped.matte, see_through=is_clear)
    return Staged(
        made, f"{point[0]:.6f},{point[1]:.6f}", replace(options.direction, paste_back=True)
    )


def _whole(pixels: UInt8, face: Face) -> _Shaped:
    """All of the picture."""
    even = even_sides(pixels)
    return _Shaped(even, fine_cutout(even, person_matte(even, face), face), _middle(face))


def _square(pixels: UInt8, face: Face) -> _Shaped:
    """The face alone, upright."""
    square = upright_square(pixels, face)
    matte = fine_cutout(square.pixels, square.matte, square.face)
    return _Shaped(square.pixels, matte, _middle(square.face))


def _framed(pixels: UInt8, face: Face, aspect: str, options: JobOptions) -> _Shaped:
    """The picture in another shape, around the person."""
    size = (pixels.shape[1], pixels.shape[0])
    frame = placed(size, face, aspect, close=not options.paste_back)
    notices: tuple[str, ...] = ()
    reaches_beyond = _reaches_beyond(size, frame)
    if reaches_beyond or options.background != "keep":
        matte = person_matte(pixels, face)
    else:
        matte = np.ones(pixels.shape[:2], np.float32)
    if reaches_beyond and cuts_head(matte, frame, face):
        notices = (CUT_HEAD,)
    if options.background != "keep":
        matte = fine_cutout(pixels, matte, face)
    content, there = carried_on(pixels, matte, frame, face)
    side = min(options.max_side or LARGEST_SIDE_PX, LARGEST_SIDE_PX)
    shrunk = _at_most(content, side, aspect)
    scale = shrunk.shape[1] / frame.width
    if scale < 1.0:
        there = cv2.resize(there, shrunk.shape[1::-1], interpolation=cv2.INTER_AREA)
    middle = (_middle(face) - np.array([frame.left, frame.top], np.float32)) * np.float32(scale)
    return _Shaped(shrunk, np.asarray(there, np.float32), middle, notices)


def _middle(face: Face) -> Float32:
    return np.asarray(face.landmarks[:468, :2].mean(axis=0), np.float32)


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
