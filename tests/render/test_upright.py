from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.media.picture import Picture
from portravox.render.upright import SIDE_PX, Upright, framing, upright_square


@pytest.fixture(scope="module")
def upright(photo: UInt8, face: Face) -> Upright:
    return upright_square(photo, face)


def _leaning(photo: UInt8, degrees: float) -> tuple[UInt8, Face]:
    """The photograph turned clockwise about the face, its corners left grey."""
    way = cv2.getRotationMatrix2D((220.0, 110.0), -degrees, 1.0)
    turned = cv2.warpAffine(photo, way, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    pixels = np.asarray(turned, np.uint8)
    return pixels, find_face(Picture(pixels))[0]


def test_the_square_has_the_promised_size(upright: Upright) -> None:
    height, width = upright.pixels.shape[:2]
    assert height == width
    assert SIDE_PX[0] <= height <= SIDE_PX[1]
    assert height % 2 == 0
    assert upright.matte.shape == (height, width)


@pytest.mark.parametrize("degrees", [-25.0, 20.0])
def test_a_leaning_head_stands_upright_in_the_middle(photo: UInt8, degrees: float) -> None:
    pixels, face = _leaning(photo, degrees)
    assert abs(face.pose.roll_deg - degrees) < 12.0  # her own head leans, too
    upright = upright_square(pixels, face)
    side = len(upright.pixels)
    assert abs(upright.face.pose.roll_deg) < 1.0
    oval = upright.face.landmarks[:468, 0]
    assert abs((oval.min() + oval.max()) / 2 / side - 0.5) < 0.03


def test_hair_and_neck_are_in_the_picture(upright: Upright) -> None:
    side = len(upright.pixels)
    hairline, chin = upright.face.landmarks[[10, 152], 1] / side
    assert 0.12 < hairline < chin < 0.85
    assert 0.4 < chin - hairline < 0.62


def test_within_the_picture_nothing_is_made_up(photo: UInt8, face: Face) -> None:
    wide = cv2.copyMakeBorder(photo, 300, 300, 300, 300, cv2.BORDER_REPLICATE)
    inside, _ = find_face(Picture(np.asarray(wide, np.uint8)))
    square = framing(wide, inside)
    reach = square.side_px * 0.75
    assert reach < square.x < wide.shape[1] - reach
    assert reach < square.y < wide.shape[0] - reach


@pytest.mark.parametrize(
    "part",
    [
        (slice(0, 512), slice(180, 400)),  # cut at the left, through hair
        (slice(60, 512), slice(0, 512)),  # through the crown
        (slice(50, 215), slice(160, 290)),  # closely around
    ],
)
def test_square_of_a_cut_head_lies_within_the_picture_and_holds_the_face(
    photo: UInt8, part: tuple[slice, slice]
) -> None:
    pixels = np.ascontiguousarray(photo[part])
    face, _ = find_face(Picture(pixels))
    square = framing(pixels, face)
    turned = np.deg2rad(square.roll_deg)
    half = square.side_px / 2 * (abs(np.cos(turned)) + abs(np.sin(turned)))
    height, width = pixels.shape[:2]
    corners = 0.08 * square.side_px  # of these a little may be made up
    assert half - corners <= square.x <= width + corners - half
    assert half - corners <= square.y <= height + corners - half
    upright = upright_square(pixels, face)
    eyes_and_mouth = upright.face.landmarks[[33, 263, 61, 291, 17], :2]
    assert np.all((eyes_and_mouth > 0) & (eyes_and_mouth < len(upright.pixels)))
    x, y = upright.face.landmarks[[4, 50, 280, 61, 291], :2].astype(int).T
    assert upright.matte[y, x].min() > 0.95  # the face is the person's, however tight


def test_no_crown_is_made_up_where_the_border_cuts_it(photo: UInt8, face: Face) -> None:
    """Cut through the hair, with all the room beside and below."""
    top = round(float(face.landmarks[10, 1]) - 0.3 * face.width_px)
    cut = np.ascontiguousarray(photo[top:])
    square = framing(cut, find_face(Picture(cut))[0])
    to_picture = np.linalg.inv(np.vstack([square.to_crop(100), [0.0, 0.0, 1.0]]))
    crown = [float((to_picture @ (x, 0.0, 1.0))[1]) for x in (20.0, 50.0, 80.0)]
    assert min(crown) > 0.0


def test_beyond_the_border_the_picture_goes_on_without_a_line(photo: UInt8) -> None:
    pixels = np.ascontiguousarray(photo[40:230, 150:300])  # a close-up, cut on all sides
    face, _ = find_face(Picture(pixels))
    upright = upright_square(pixels, face)
    grey = cv2.cvtColor(upright.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = np.abs(np.diff(cv2.GaussianBlur(grey, (0, 0), 1.0), axis=1)).mean(axis=0)
    quarter = len(steps) // 6
    assert steps[:quarter].max() < 12.0
    assert steps[-quarter:].max() < 12.0


def test_sharpness_of_an_unscaled_square_is_kept(photo: UInt8, face: Face) -> None:
    big: UInt8 = np.asarray(
        cv2.resize(photo, None, fx=3.0, fy=3.0, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    large, _ = find_face(Picture(big))
    upright = upright_square(big, large)

    def sharpness(pixels: UInt8, of: Face) -> float:
        x, y = of.landmarks[[33, 263], :2].mean(axis=0).astype(int)
        reach = int(of.width_px * 0.3)
        grey: Float32 = cv2.cvtColor(
            pixels[y - reach // 2 : y + reach // 2, x - reach : x + reach], cv2.COLOR_RGB2GRAY
        ).astype(np.float32)
        return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean()) * of.width_px

    assert sharpness(upright.pixels, upright.face) > 0.8 * sharpness(big, large)
