from __future__ import annotations

from dataclasses import replace

import pytest

from portravox.face.face import Face
from portravox.face.outlines import OVAL
from portravox.staging.frame import placed


@pytest.mark.parametrize("faces", [1.6, 1.8])
def test_a_wide_frame_of_a_close_picture_holds_the_head_and_goes_on_aside(
    face: Face, faces: float
) -> None:
    """A square picture that ends close to the head: a wide frame within it would cut the crown."""
    oval = face.landmarks[list(OVAL), 1]
    face_height = float(oval.max() - oval.min())
    side = round(faces * face_height)
    left = round(float(face.landmarks[4, 0]) - side / 2)
    top = round(float(oval.min()) - 0.35 * face_height)
    moved = face.landmarks.copy()
    moved[:, :2] -= (left, top)
    frame = placed((side, side), replace(face, landmarks=moved), "16:9")
    assert frame.height > 1.45 * face_height
    assert frame.left < 0
    assert frame.top >= -1
    assert frame.top + frame.height <= side + 1
