"""The networks that look at a picture."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.errors import ModelUnavailable
from portravox.face import models
from portravox.media.picture import Picture


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def crop(astronaut: Picture) -> UInt8:
    """(192, 192, 3) with the face in the middle."""
    box = models.detect_faces(astronaut.pixels, far=False)[0].box
    x, y = int((box.x0 + box.x1) / 2), int((box.y0 + box.y1) / 2)
    return np.ascontiguousarray(astronaut.pixels[y - 96 : y + 96, x - 96 : x + 96])


def test_importing_the_product_does_not_load_the_networks() -> None:
    code = "import sys, portravox, portravox.face.verdict; print('onnxruntime' in sys.modules)"
    assert run_python(code).stdout.strip() == "False"


def test_the_networks_load_in_silence_and_without_mediapipe() -> None:
    code = """
import sys, numpy as np
from portravox.face import models
models.fit_mesh(np.zeros((192, 192, 3), np.uint8))
models.detect_faces(np.zeros((64, 64, 3), np.uint8), far=False)
models.find_hands(np.zeros((64, 64, 3), np.uint8))
models.segment_person(np.zeros((64, 64, 3), np.uint8))
print([name for name in sys.modules if name.split('.')[0] in ('matplotlib', 'jax', 'mediapipe')])
"""
    done = run_python(code)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


@pytest.mark.parametrize("far", [False, True])
def test_a_face_is_detected_once(astronaut: Picture, far: bool) -> None:
    found = models.detect_faces(astronaut.pixels, far=far)
    assert len(found) == 1
    left_eye, right_eye, nose, mouth = found[0].keypoints[:4]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < mouth[1]


def test_a_moved_face_is_found_where_it_went(astronaut: Picture) -> None:
    before = models.detect_faces(astronaut.pixels, far=False)[0]
    moved = np.roll(astronaut.pixels, (40, 64), axis=(0, 1))
    after = models.detect_faces(moved, far=False)[0]
    assert after.box.x0 - before.box.x0 == pytest.approx(64.0, abs=5.0)
    assert after.box.y0 - before.box.y0 == pytest.approx(40.0, abs=5.0)


def test_pictures_of_several_shapes_are_searched_at_once_as_alone(astronaut: Picture) -> None:
    wide = np.ascontiguousarray(astronaut.pixels[:300])
    nothing = np.zeros((100, 60, 3), np.uint8)
    together = models.detect_faces_in([astronaut.pixels, nothing, wide], far=True)
    assert [len(found) for found in together] == [1, 0, 1]
    for picture, found in zip((astronaut.pixels, wide), (together[0], together[2]), strict=True):
        alone = models.detect_faces(picture, far=True)[0]
        assert np.abs(found[0].keypoints - alone.keypoints).max() < 1e-3


def test_the_mesh_network_believes_in_a_face_and_not_in_noise(crop: UInt8) -> None:
    points, face_score = models.fit_mesh(crop)
    noise = np.random.default_rng(7).integers(0, 256, (192, 192, 3), np.uint8)
    assert points.shape == (478, 3)
    assert face_score > 0.9
    assert models.fit_mesh(noise)[1] < 0.2


def test_crops_in_one_run_give_what_each_gives_alone(crop: UInt8) -> None:
    crops = np.stack([np.roll(crop, n, axis=1) for n in range(10)])  # more than one batch
    points, scores = models.fit_meshes(crops)
    for n in (0, 3, 9):
        alone, score = models.fit_mesh(crops[n])
        assert np.abs(points[n] - alone).max() < 1e-3
        assert scores[n] == pytest.approx(score, abs=1e-5)


def test_irises_lie_within_their_eyes(crop: UInt8) -> None:
    points, _ = models.fit_mesh(crop)
    for iris, corners in ((468, (33, 133)), (473, (362, 263))):
        left, right = points[list(corners), 0]
        assert left < points[iris, 0] < right


def test_a_person_is_told_from_what_is_beside_her(astronaut: Picture) -> None:
    mask = models.segment_person(astronaut.pixels)
    assert mask.shape == astronaut.pixels.shape[:2]
    assert mask[120, 220] > 0.9  # her face
    assert mask[20:60, 480:].mean() < 0.1  # the model of a rocket behind her


def test_masks_of_several_pictures_are_those_of_each(astronaut: Picture) -> None:
    small = np.asarray(cv2.resize(astronaut.pixels, (256, 200)), np.uint8)
    both = models.segment_people([astronaut.pixels, small])
    assert [mask.shape for mask in both] == [(512, 512), (200, 256)]
    assert np.abs(both[1] - models.segment_person(small)).max() < 1e-5


def test_a_portrait_without_hands_has_none(astronaut: Picture) -> None:
    assert models.find_hands(np.ascontiguousarray(astronaut.pixels[:256, 100:356])) == ()


def test_threads_that_look_at_once_get_what_one_gets(astronaut: Picture, crop: UInt8) -> None:
    def search(_: int) -> tuple[float, float]:
        score = models.detect_faces(astronaut.pixels, far=True)[0].score
        return score, float(models.fit_mesh(crop)[0].sum())

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(search, range(8)))) == 1


def test_without_its_file_a_network_names_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    from portravox.face import networks
    from portravox.model_files import required, store

    monkeypatch.setenv(store.VARIABLE, str(tmp_path))
    monkeypatch.setattr(required, "_may_fetch", False)
    networks._network.cache_clear()
    with pytest.raises(ModelUnavailable) as told:
        models.fit_mesh(np.zeros((192, 192, 3), np.uint8))
    assert told.value.code == "model_file_missing"
    assert "portravox models fetch" in told.value.hint
