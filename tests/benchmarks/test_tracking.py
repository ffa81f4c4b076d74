import numpy as np
import pytest

from benchmarks.speed import demo_portrait
from benchmarks.tracking import Track, track_frames
from portravox.arrays import Float32


@pytest.fixture(scope="module")
def face() -> Float32:
    """(478, 3) px of the astronaut."""
    return track_frames([demo_portrait()] * 2, 25.0).landmarks[0]


def test_a_still_picture_stands_still(face):
    track = track_frames([demo_portrait()] * 4, 25.0)
    assert len(track) == 4
    assert np.abs(np.diff(track.landmarks, axis=0)).max() < 0.01 * track.face_width_px


def test_lips_apart_are_measured_in_eye_distances(face):
    opened = face.copy()
    lower = [14, 87, 317]
    opened[lower, 1] += 0.1 * np.linalg.norm(face[263] - face[33])
    opening = Track(np.stack([face, face, opened]), 25.0).lip_opening
    assert opening[2] - opening[0] == pytest.approx(0.1, abs=0.005)


def test_one_shut_eye_is_one_shut_eye(face):
    winking = face.copy()
    winking[[159, 158, 160]] = winking[[145, 153, 144]]
    lids = Track(np.stack([face, winking]), 25.0).lid_opening
    assert lids[1, 0] == 0.0
    assert lids[1, 1] == lids[0, 1] > 0.1


def test_a_leaning_head_is_read_in_degrees(face):
    rows = []
    for degrees in (-6.0, 0.0, 6.0):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turned = face.copy()
        turned[:, :2] = (face[:, :2] - face[1, :2]) @ np.array([[c, s], [-s, c]]) + face[1, :2]
        rows.append(turned)
    head_deg = Track(np.stack(rows), 25.0).head_deg
    assert np.diff(head_deg[:, 2]) == pytest.approx([6.0, 6.0], abs=0.1)
    assert np.ptp(head_deg[:, :2], axis=0).max() < 1.0


def turned_about_y(points: Float32, degrees: float) -> Float32:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = points.mean(axis=0)
    return ((points - middle) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + middle).astype(
        np.float32
    )


def test_a_turning_head_keeps_its_brows_and_its_shape(face):
    track = Track(np.stack([turned_about_y(face, d) for d in (0.0, 5.0, -8.0)]), 25.0)
    assert np.ptp(track.brow_height, axis=0).max() < 1e-4
    assert track.shape_drift.max() < 1e-4


def test_a_raised_brow_is_seen_whichever_way_the_head_turns(face):
    raised = face.copy()
    raised[[70, 63, 105, 66, 107], 1] -= 0.05 * np.linalg.norm(face[263] - face[33])
    track = Track(np.stack([face, turned_about_y(raised, 6.0)]), 25.0)
    left, right = np.diff(track.brow_height, axis=0)[0]
    assert left == pytest.approx(0.05, abs=0.005)
    assert right == pytest.approx(0.0, abs=0.005)


def test_another_nose_is_another_shape(face):
    other = face.copy()
    other[[1, 4, 5, 98, 327, 2], 1] += 0.05 * np.linalg.norm(face[263] - face[33])
    assert Track(np.stack([face, other]), 25.0).shape_drift[1] > 0.02


def test_without_a_face_there_is_nothing_to_follow():
    with pytest.raises(ValueError, match="no face"):
        track_frames([np.full((64, 64, 3), 90, np.uint8)], 25.0)
