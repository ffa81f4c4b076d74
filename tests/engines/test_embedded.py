from __future__ import annotations

import numpy as np

from portravox.animation.direction import Direction
from portravox.arrays import UInt8
from portravox.engines.embedded import SQUARE_SIDE_PX, EmbeddedEngine, face_square
from portravox.face.face import Face
from portravox.media.picture import Picture


def test_the_face_alone_is_a_square_of_the_promised_size(photo: UInt8, face: Face) -> None:
    square = face_square(photo, face)
    height, width = square.shape[:2]
    assert height == width
    assert SQUARE_SIDE_PX[0] <= height <= SQUARE_SIDE_PX[1]
    assert height % 2 == 0


def test_odd_pictures_lose_a_row_and_a_column(photo: UInt8) -> None:
    avatar = EmbeddedEngine().register(Picture(np.ascontiguousarray(photo[:511, :509])))
    assert avatar.frame_size(Direction()) == (508, 510)
    assert avatar.frame_size(Direction(paste_back=False))[0] >= SQUARE_SIDE_PX[0]
