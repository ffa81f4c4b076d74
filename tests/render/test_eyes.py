from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.render.drawing import polygon_cover
from portravox.render.eyes import EyePaint
from portravox.render.scene import Scene


@pytest.fixture(params=[0, 1], ids=["left", "right"])
def eye(request: pytest.FixtureRequest, scene: Scene) -> EyePaint:
    return scene.eyes[request.param]


def outline(eye: EyePaint, scene: Scene) -> np.ndarray:
    """(P, 2) of the opening between the lids, in pixels of the eye's patch."""
    mesh = scene.rig.mesh
    upper, lower = mesh.left_eye if eye.side == 0 else mesh.right_eye
    around = np.concatenate([scene.rig.rest[upper, :2], scene.rig.rest[lower, :2][::-1]])
    return (around - eye.origin) * eye.scale


def test_iris_over_white_gives_the_photograph_back(
    eye: EyePaint, scene: Scene, photo: UInt8
) -> None:
    height, width = eye.white.shape[:2]
    x, y = np.round(eye.origin - (1 / eye.scale - 1) / 2).astype(int)
    cut = photo[y : y + height // eye.scale, x : x + width // eye.scale]
    patch = cv2.resize(cut, (width, height), interpolation=cv2.INTER_CUBIC).astype(float)
    together = eye.white * (1 - eye.iris[..., 3:]) + eye.iris[..., :3]
    seen = polygon_cover(outline(eye, scene), (width, height))
    inside = cv2.erode(seen, np.ones((3, 3)), iterations=round(0.12 * width / 3)) > 0.99
    assert inside.sum() > 50
    assert np.abs(together - patch)[inside].mean() < 2.0


def test_the_white_has_no_iris_in_it(eye: EyePaint, scene: Scene) -> None:
    height, width = eye.white.shape[:2]
    iris = eye.iris[..., 3] > 0.9
    opening = polygon_cover(outline(eye, scene), (width, height)) > 0.9
    together = eye.white * (1 - eye.iris[..., 3:]) + eye.iris[..., :3]
    assert eye.white[iris & opening].mean() > together[iris & opening].mean() + 40


def test_the_iris_is_a_whole_disc(eye: EyePaint) -> None:
    cover = eye.iris[..., 3]
    rows, columns = np.flatnonzero(cover.max(axis=1) > 0.5), np.flatnonzero(cover.max(axis=0) > 0.5)
    assert len(rows) == pytest.approx(len(columns), rel=0.15)
    assert cover.sum() == pytest.approx(np.pi / 4 * len(rows) * len(columns), rel=0.12)


def test_the_lid_has_the_colour_of_the_skin_around(eye: EyePaint, photo: UInt8) -> None:
    lid = eye.lid.reshape(-1, 3).mean(axis=0)
    x, y = eye.anchors[:2].mean(axis=0)[:2].astype(int)
    skin = photo[y + 10 : y + 15, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)  # under the eye
    assert np.abs(lid / lid.sum() - skin / skin.sum()).max() < 0.04  # the same hue,
    assert 0.6 < lid.mean() / skin.mean() < 1.1  # in the shade of the brow
    assert eye.lash.mean() < 0.6 * lid.mean()
