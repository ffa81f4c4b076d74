"""The networks give, in this environment, what MediaPipe 0.10.21 gave for the demo's portrait."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.face import models
from portravox.media.picture import Picture
from tests.face.recorded import RECORDED, looks


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED) as file:
        return dict(file)


@pytest.mark.parametrize(("name", "far"), [("near", False), ("far", True)])
def test_the_face_is_found_at_the_same_place(astronaut: Picture, recorded, name, far) -> None:
    (face,) = models.detect_faces(astronaut.pixels, far=far)
    *edges, score = recorded[name]
    found = [face.box.x0, face.box.y0, face.box.x1, face.box.y1]
    assert np.abs(np.array(found) - edges).max() < 0.01
    assert face.score == pytest.approx(score, abs=1e-5)
    assert np.abs(face.keypoints - recorded[f"{name}_keypoints"]).max() < 0.01


def test_the_mesh_is_the_same_to_a_hundredth_of_a_pixel(astronaut: Picture, recorded) -> None:
    crop, _ = looks(astronaut.pixels)
    points, score = models.fit_mesh(crop)
    assert np.abs(points - recorded["mesh"]).max() < 0.01
    assert score == pytest.approx(float(recorded["mesh_score"]), abs=1e-5)


def test_the_mask_is_the_same_to_a_step_of_8_bits(astronaut: Picture, recorded) -> None:
    _, small = looks(astronaut.pixels)
    difference = np.abs(models.segment_person(small) * 255.0 - recorded["mask"])
    assert difference.mean() < 0.5  # half a step is lost by writing it down in 8 bits
    assert difference.max() < 4.0
