from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.face import Face
from portravox.face.matte import person_matte
from portravox.face.outlines import LOWER_INNER, UPPER_INNER
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.rig.deform import Deformer
from portravox.rig.fit import LEAST_AT_BORDER, Rig, fit
from portravox.rig.shapes import SHAPES, jaw_displacement

Row = Callable[..., Float32]


def test_inner_lips_lie_where_the_pixels_show_them(rig: Rig, face: Face) -> None:
    # the smoothing of the mesh may round them off by a fraction of a millimetre
    for row, edge in ((UPPER_INNER, face.lips.upper_inner), (LOWER_INNER, face.lips.lower_inner)):
        apart = np.linalg.norm(rig.rest[list(row), :2] - edge, axis=1) / rig.px_per_mm
        assert apart.max() < 0.8


def test_there_and_back_between_picture_and_head(rig: Rig) -> None:
    points = rig.rest[:50].astype(np.float64)
    np.testing.assert_allclose(rig.to_picture(rig.to_head_mm(points)), points, atol=1e-3)


def test_face_is_140_mm_wide_in_its_own_frame(rig: Rig, face: Face) -> None:
    ears = rig.to_head_mm(face.landmarks[[234, 454]].astype(np.float64))
    assert np.linalg.norm(ears[1] - ears[0]) == pytest.approx(140.0, rel=1e-4)


def test_head_moves_as_one_and_the_background_does_not(rig: Rig) -> None:
    assert rig.rigid[:468].min() > 0.9  # the jaw line already gives a little to the neck
    assert rig.rigid.min() == 0.0
    assert rig.light[rig.rigid < 0.5].max() < 0.6


def test_everything_that_moves_lies_in_the_region(rig: Rig) -> None:
    x0, y0, x1, y1 = rig.region
    moving = rig.rest[rig.rigid > 0]
    inside_x = np.clip(moving[:, 0], 0, 511)
    inside_y = np.clip(moving[:, 1], 0, 511)
    assert x0 <= inside_x.min() and inside_x.max() <= x1
    assert y0 <= inside_y.min() and inside_y.max() <= y1


def test_brows_do_not_move_the_mouth_and_lips_not_the_eyes(rig: Rig) -> None:
    mouth = [61, 291, 13, 14, 0, 17]
    eyes = [33, 133, 263, 362, 159, 386]
    brow = rig.shapes[SHAPES.index("brow_raise")]
    wide = rig.shapes[SHAPES.index("wide")]
    assert np.abs(brow[mouth]).max() < 0.05 * np.abs(brow).max()
    assert np.abs(wide[eyes]).max() < 0.05 * np.abs(wide).max()


def test_jaw_opens_downwards_and_back_on_a_circle() -> None:
    hinge = np.array([0.0, 0.0, 0.0])
    chin = np.array([0.0, 60.0, -70.0])  # below and in front of it
    moved = chin + jaw_displacement(chin, hinge, 14.0)
    assert moved[1] > chin[1] and moved[2] > chin[2]
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(chin))


@pytest.mark.parametrize("yaw_deg", [-8.0, 8.0])
def test_no_strip_unfolds_beside_a_cheek_that_turns(
    rig: Rig, deformer: Deformer, controls: Row, yaw_deg: float
) -> None:
    skin = rig.mesh.triangles[: rig.mesh.skin_triangles]
    skin = skin[(rig.rigid[skin] > 0.9).all(axis=1)]

    def seen_width(points: Float32) -> Float32:
        """(F,) px each triangle measures across the picture."""
        return np.asarray(np.ptp(points[skin, 0], axis=1), np.float32)

    turned = deformer.deform(controls(head_yaw_deg=yaw_deg)).vertices
    grown = seen_width(turned) - seen_width(rig.rest)
    assert grown.max() < 0.006 * rig.width_px


@pytest.fixture(scope="module", params=["left", "right", "all"])
def cut(request: pytest.FixtureRequest, photo: UInt8, face: Face) -> tuple[Rig, tuple[int, int]]:
    """The photograph cut through hair on one side, or closely around the face; its size."""
    box, (height, width) = face.box, photo.shape[:2]
    aside, up = 0.07 * box.width, 0.12 * box.height
    x0 = 0 if request.param == "right" else int(box.x0 - aside) // 2 * 2
    x1 = width if request.param == "left" else int(box.x1 + aside) // 2 * 2
    y0, y1 = 0, height
    if request.param == "all":
        y0, y1 = int(box.y0 - up) // 2 * 2, int(box.y1 + up) // 2 * 2
    pixels = np.ascontiguousarray(photo[y0:y1, x0:x1])
    found, _ = require_face(Picture(pixels))
    return fit(found, person_matte(pixels, found)), (x1 - x0, y1 - y0)


def test_a_head_that_the_border_cuts_moves_less_and_another_one_as_asked(
    rig: Rig, cut: tuple[Rig, tuple[int, int]]
) -> None:
    assert rig.border_shares.tolist() == [1.0] * 5
    shares = cut[0].border_shares
    assert shares[0] < 0.6 and shares[2] < 0.6  # a turn and a lean would uncover most
    assert np.all((shares >= LEAST_AT_BORDER) & (shares <= 1.0))
    hair = cut[0].mesh.rings[0]
    assert cut[0].rigid[hair].max() > 0.85  # and it moves as one, hair and all


@pytest.mark.parametrize(
    "pose",
    [
        {"head_yaw_deg": 14.0},
        {"head_yaw_deg": -14.0},
        {"head_roll_deg": 8.0},
        {"head_roll_deg": -8.0},
        {"head_pitch_deg": -8.0, "head_yaw_deg": 12.0, "head_roll_deg": 7.0},
    ],
)
def test_a_cut_head_neither_folds_nor_stretches_at_the_border(
    cut: tuple[Rig, tuple[int, int]], controls: Row, pose: dict[str, float]
) -> None:
    rig, size = cut
    posed = Deformer(rig).deform(controls(**pose)).vertices
    skin = rig.mesh.triangles[: rig.mesh.skin_triangles]
    before, after = (
        np.stack([at[skin[:, k], :2] - at[skin[:, 0], :2] for k in (1, 2)], axis=-1).astype(float)
        for at in (rig.rest, posed)
    )
    corners = posed[skin][..., :2]
    seen = np.any(np.all((corners >= 0) & (corners < size), axis=2), axis=1)
    seen &= np.abs(np.linalg.det(before)) > 4e-5 * rig.width_px**2
    moved = after[seen] @ np.linalg.inv(before[seen])
    assert np.linalg.det(moved).min() > 0.0  # nothing lies on its back
    assert np.linalg.svd(moved, compute_uv=False).max() < 2.0


def test_a_smile_and_a_jaw_do_not_bend_glasses(face: Face, matte: Float32, rig: Rig) -> None:
    with_glasses = fit(replace(face, glasses=True), matte)
    below_eyes = [119, 118, 348, 347]
    for name in ("smile", "jaw", "settle", "wide"):
        bare, behind = (one.shapes[SHAPES.index(name)][below_eyes] for one in (rig, with_glasses))
        assert np.linalg.norm(behind) <= 0.4 * np.linalg.norm(bare) + 1e-6
    jaw = SHAPES.index("jaw")
    assert np.allclose(with_glasses.shapes[jaw][152], rig.shapes[jaw][152], rtol=0.02)
