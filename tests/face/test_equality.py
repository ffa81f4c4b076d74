"""What the product's networks give is what MediaPipe 0.10.21 gives, on every sample picture.

`make equality` runs this in the environment of requirements/lock-reference.txt. Elsewhere
mediapipe does not install or does not go together with numpy 2; there test_recorded.py compares
with numbers that MediaPipe gave.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.samples import SAMPLES
from portravox.arrays import UInt8
from portravox.face import models
from portravox.face.crop import Square, cut
from portravox.face.models import Detection
from portravox.face.tessellation import tessellation_edges
from portravox.media.picture_file import read_picture

if find_spec("mediapipe") is None:  # importing the package itself would ask for what is left out
    pytest.skip("the reference has an environment of its own", allow_module_level=True)

from tests.face import mediapipe_reference as reference

LEAST_PX = 0.01
"""Of the 192-px crop, for points of the mesh."""

MASK_MEAN, MASK_MOST = 1.0 / 255.0, 4.0 / 255.0
DETECTION_PX = 0.01
HAND_PX = 0.1
"""Of the picture searched: a palm's place is found on a grid of 8 px."""

FACES_EACH = 4
"""So many of a picture's faces are compared."""

UNREADABLE = ("empty.png", "huge_dimensions_30000x30000.png", "text_renamed.jpg", "truncated.jpg")

PICTURES = [
    path
    for folder in ("portraits", "refused")
    for path in sorted((SAMPLES / folder).glob("*.*"))
    if path.name not in UNREADABLE
]


def view_of(path: Path) -> UInt8:
    """The picture as the search sees it."""
    pixels = read_picture(path, max_side_px=1600).pixels
    scale = min(1.0, 384.0 / max(pixels.shape))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def around(detection: Detection, size: float) -> Square:
    box = detection.box
    side = size * max(box.width, box.height)
    return Square((box.x0 + box.x1) / 2.0, (box.y0 + box.y1) / 2.0, side, 5.0)


@pytest.mark.parametrize("path", PICTURES, ids=[path.name for path in PICTURES])
def test_all_networks_give_what_mediapipe_gives(path: Path) -> None:
    view = view_of(path)
    faces: list[Detection] = []
    for far in (False, True):
        theirs, ours = reference.detect_faces(view, far=far), models.detect_faces(view, far=far)
        assert len(theirs) == len(ours)
        theirs = tuple(sorted(theirs, key=lambda one: -one.score))
        for a, b in zip(theirs, ours, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-5)
            edges = [(a.box.x0, b.box.x0), (a.box.y0, b.box.y0), (a.box.x1, b.box.x1)]
            assert max(abs(p - q) for p, q in edges) < DETECTION_PX
            assert np.abs(a.keypoints - b.keypoints).max() < DETECTION_PX
        faces += ours[:FACES_EACH]
    pictures = [view]
    for face in faces:
        crop = cut(view, around(face, 1.5), models.MESH_CROP_PX, smooth=True)
        points, score = models.fit_mesh(crop)
        their_points, their_score = reference.fit_mesh(crop)
        assert np.abs(points - their_points).max() < LEAST_PX
        assert score == pytest.approx(their_score, abs=1e-5)
        pictures.append(cut(view, around(face, 2.4), 320))
    for picture in pictures:
        difference = np.abs(models.segment_person(picture) - reference.segment_person(picture))
        assert difference.mean() < MASK_MEAN
        assert difference.max() < MASK_MOST
        hands, their_hands = models.find_hands(picture), reference.find_hands(picture)
        assert len(hands) == len(their_hands)
        for hand, their_hand in zip(hands, their_hands, strict=True):
            assert np.abs(hand - their_hand).max() < HAND_PX


def test_the_meshs_edges_are_mediapipes() -> None:
    assert tessellation_edges() == reference.tessellation_edges()
