"""The pose of a head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.pose import head_axes, head_pose
from portravox.media.picture import Picture


def turned(landmarks: np.ndarray, axis: str, angle_deg: float) -> np.ndarray:
    """Rotate by the right-hand rule about a picture axis (x right, y down, z away)."""
    turn = Rotation.from_euler(axis, angle_deg, degrees=True).as_matrix()
    return (landmarks @ turn.T).astype(np.float32)


def upright(face: Face) -> np.ndarray:
    """The face's landmarks in its own axes: a head that faces the camera."""
    return np.asarray(face.landmarks @ face.axes, np.float32)


def test_axes_are_square_to_each_other_and_right_handed(astronaut_face: Face) -> None:
    axes = astronaut_face.axes
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-5)
    assert np.linalg.det(axes) == pytest.approx(1.0, abs=1e-5)


def test_a_head_in_its_own_axes_points_nowhere(astronaut_face: Face) -> None:
    pose = head_pose(head_axes(upright(astronaut_face)))
    assert np.allclose((pose.yaw_deg, pose.pitch_deg, pose.roll_deg), 0.0, atol=0.01)


@pytest.mark.parametrize("angle_deg", [-30.0, 10.0, 40.0])
def test_each_turn_is_read_alone_and_with_its_sign(astronaut_face: Face, angle_deg: float) -> None:
    straight = upright(astronaut_face)
    nose_to_the_right = head_pose(head_axes(turned(straight, "y", -angle_deg)))
    assert nose_to_the_right.yaw_deg == pytest.approx(angle_deg, abs=0.01)
    nose_up = head_pose(head_axes(turned(straight, "x", -angle_deg)))
    assert nose_up.pitch_deg == pytest.approx(angle_deg, abs=0.01)
    clockwise = head_pose(head_axes(turned(straight, "z", angle_deg)))
    assert clockwise.roll_deg == pytest.approx(angle_deg, abs=0.01)


def test_the_nose_tip_goes_where_the_signs_say(astronaut_face: Face) -> None:
    straight = upright(astronaut_face)
    before = straight[1] - straight[[234, 454]].mean(axis=0)
    right = turned(straight, "y", -20.0)
    assert (right[1] - right[[234, 454]].mean(axis=0))[0] > before[0]
    up = turned(straight, "x", -20.0)
    assert (up[1] - up[[234, 454]].mean(axis=0))[1] < before[1]


def test_a_picture_turned_clockwise_adds_to_the_roll(
    astronaut: Picture, astronaut_face: Face
) -> None:
    centre = tuple(float(v) for v in astronaut_face.landmarks[1, :2])
    turn = cv2.getRotationMatrix2D(centre, -20.0, 1.0)
    leaning = cv2.warpAffine(astronaut.pixels, turn, (512, 512), borderMode=cv2.BORDER_REFLECT)
    face, _ = find_face(Picture(np.asarray(leaning, np.uint8)))
    assert face.pose.roll_deg - astronaut_face.pose.roll_deg == pytest.approx(20.0, abs=2.0)
