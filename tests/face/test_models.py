"""The doorway to MediaPipe."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from portravox.errors import ModelUnavailable
from portravox.face import models
from portravox.media.picture import Picture


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_importing_the_product_does_not_import_the_networks() -> None:
    code = "import sys, portravox, portravox.face.verdict; print('mediapipe' in sys.modules)"
    assert run_python(code).stdout.strip() == "False"


def test_the_networks_load_in_silence_and_without_plotting_or_jax() -> None:
    code = """
import sys, numpy as np
from portravox.face import models
models.fit_mesh(np.zeros((192, 192, 3), np.uint8))
models.detect_faces(np.zeros((64, 64, 3), np.uint8), far=False, least_score=0.5)
print([name for name in sys.modules if name.split('.')[0] in ('matplotlib', 'jax')])
"""
    done = run_python(code)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_a_face_is_detected_once(astronaut: Picture) -> None:
    found = models.detect_faces(astronaut.pixels, far=False, least_score=0.5)
    assert len(found) == 1
    left_eye, right_eye, nose, mouth = found[0].keypoints[:4]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < mouth[1]


def test_the_mesh_network_believes_in_a_face_and_not_in_noise(astronaut: Picture) -> None:
    box = models.detect_faces(astronaut.pixels, far=False, least_score=0.5)[0].box
    x, y = int((box.x0 + box.x1) / 2), int((box.y0 + box.y1) / 2)
    points, face_score = models.fit_mesh(
        np.ascontiguousarray(astronaut.pixels[y - 96 : y + 96, x - 96 : x + 96])
    )
    noise = np.random.default_rng(7).integers(0, 256, (192, 192, 3), np.uint8)
    assert points.shape == (478, 3)
    assert face_score > 0.9
    assert models.fit_mesh(noise)[1] < 0.2


def test_two_threads_get_what_one_gets(astronaut: Picture) -> None:
    def search(_: int) -> float:
        return models.detect_faces(astronaut.pixels, far=True, least_score=0.3)[0].score

    with ThreadPoolExecutor(2) as threads:
        assert len(set(threads.map(search, range(6)))) == 1


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match=r"mediapipe 0\.10\.21"):
        models._load("python.solution_base")
