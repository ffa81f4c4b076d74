from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.eyes import view_eye
from portravox.render.eyes import (
    WIDE_BELL_PX,
    EyePaint,
    _skin_grain,
    _without_detail,
    before_the_eye,
    lid_edges,
    paint_eye,
)
from portravox.render.scene import Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig

Row = Callable[..., Float32]


@pytest.fixture(params=[0, 1], ids=["left", "right"])
def eye(request: pytest.FixtureRequest, scene: Scene) -> EyePaint:
    return scene.eyes[request.param]


def test_a_blink_shuts_the_lids_nine_tenths_from_above(eye: EyePaint) -> None:
    view = eye.view
    upper, lower = lid_edges(eye, 1.0, 0.0)
    np.testing.assert_allclose(upper, lower, atol=1e-3)
    middle = int(np.argmax(view.lower - view.upper))
    way = (upper - view.upper)[middle] / (view.lower - view.upper)[middle]
    assert way == pytest.approx(0.9, abs=0.02)


def test_lids_never_cross(eye: EyePaint) -> None:
    for blink in (-0.1, 0.0, 0.3, 0.8, 1.0):
        for squint in (0.0, 0.5, 1.0):
            upper, lower = lid_edges(eye, blink, squint)
            assert np.all(upper <= lower)


def test_a_squint_raises_the_lower_lid_alone(eye: EyePaint) -> None:
    upper, lower = lid_edges(eye, 0.0, 1.0)
    np.testing.assert_array_equal(upper, eye.view.upper)
    assert (eye.view.lower - lower).max() > 0.15 * (eye.view.lower - eye.view.upper).max()


def painted(
    eye: EyePaint, deformer: Deformer, photo: UInt8, row: Float32
) -> tuple[UInt8, np.ndarray]:
    """The photograph with the eye painted, and how much each pixel has changed."""
    frame = photo.copy()
    paint_eye(eye, deformer.deform(row), frame)
    return frame, np.abs(frame.astype(int) - photo).max(axis=-1)


def test_an_eye_at_rest_is_not_painted(
    eye: EyePaint, deformer: Deformer, controls: Row, photo: UInt8
) -> None:
    assert not painted(eye, deformer, photo, controls())[1].any()


@pytest.mark.parametrize("pose", ({"gaze_yaw_deg": 8.0}, {"blink_left": 0.4}, {"blink_left": 0.7}))
def test_an_eye_in_a_soft_photograph_is_no_sharper_than_it(
    pose: dict[str, float], rig: Rig, matte: Float32, photo: UInt8, controls: Row
) -> None:
    blurred = np.asarray(cv2.GaussianBlur(photo, (0, 0), 3.0), np.uint8)
    eye = prepare_scene(rig, blurred, matte).eyes[0]
    frame = painted(eye, Deformer(rig), blurred, controls(**pose))[0]
    x0, y0, x1, y1 = view_box(eye)
    assert steepest(frame[y0:y1, x0:x1]) < 1.3 * steepest(blurred[y0:y1, x0:x1])


def view_box(eye: EyePaint) -> tuple[int, int, int, int]:
    x0, y0 = np.floor(eye.rim.min(axis=0)).astype(int).tolist()
    x1, y1 = np.ceil(eye.rim.max(axis=0)).astype(int).tolist()
    return x0, y0, x1, y1


def steepest(pixels: UInt8) -> float:
    """The gradient of the hundredth of the pixels that lie on the hardest edges."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    return float(np.percentile(np.hypot(across, down), 99))


def test_a_sharp_photograph_keeps_its_eyes_as_drawn(eye: EyePaint) -> None:
    assert eye.soft_px == 0.0


def test_the_first_trace_of_a_gaze_hardly_changes_a_pixel(
    eye: EyePaint, deformer: Deformer, controls: Row, photo: UInt8
) -> None:
    assert painted(eye, deformer, photo, controls(gaze_yaw_deg=0.02))[1].max() <= 3


def test_an_eye_that_looks_aside_changes_between_the_lids_alone(
    eye: EyePaint, deformer: Deformer, controls: Row, photo: UInt8
) -> None:
    change = painted(eye, deformer, photo, controls(gaze_yaw_deg=6))[1]
    y, x = np.nonzero(change > 2)
    places = eye.view.placed(np.column_stack([x, y]))
    columns = places[:, 0].astype(int)
    assert len(places) > 20
    assert np.all(places[:, 1] > eye.view.upper[columns] - 1.5 * eye.view.scale)
    assert np.all(places[:, 1] < eye.view.lower[columns] + 1.5 * eye.view.scale)


def test_a_shut_lid_has_the_colour_of_the_skin_around(eye: EyePaint) -> None:
    view = eye.view
    column = int(np.mean(view.corners))
    middle = int(0.5 * (view.upper[column] + eye.shut.edge[column]))
    below = int(view.lower[column] + 5 * view.mm)
    lid = eye.shut.skin[middle - 3 : middle + 4, column - 8 : column + 9].reshape(-1, 3).mean(0)
    skin = view.pixels[below - 3 : below + 4, column - 8 : column + 9].reshape(-1, 3).mean(0)
    assert np.abs(lid / lid.sum() - skin / skin.sum()).max() < 0.05  # the same hue,
    assert 0.6 < lid.mean() / skin.mean() < 1.15  # in the shade of the brow
    assert eye.shut.lash_colour.mean() < 0.6 * lid.mean()


def test_a_shut_lid_has_the_grain_of_the_skin(eye: EyePaint) -> None:
    view = eye.view
    column = int(np.mean(view.corners))

    def roughness(picture: UInt8, row: float) -> float:
        reach = int(3 * view.mm)
        cut = picture[int(row) : int(row) + reach, column - 3 * reach : column + 3 * reach]
        return float(np.abs(np.diff(cut.astype(float).mean(axis=-1), axis=1)).mean())

    lid = roughness(eye.shut.skin, view.upper[column] + 1 * view.mm)
    skin = roughness(view.pixels, view.lower[column] + 5 * view.mm)
    assert 0.4 < lid / skin < 2.5


def test_where_nothing_moves_the_shut_eye_is_the_photograph(eye: EyePaint) -> None:
    below = int(eye.view.lower.max() + 8 * eye.view.mm)
    np.testing.assert_array_equal(eye.shut.skin[below:], eye.view.pixels[below:])


def test_hair_before_the_eye_is_not_painted_over() -> None:
    y, x = np.mgrid[0:300, 0:300]
    picture = np.full((300, 300, 3), (200, 150, 130), np.uint8)
    bow = np.clip(1 - ((x - 150) / 70.0) ** 2, 0, 1)
    picture[np.abs(y - 150) < 18 * bow] = 230
    strand = np.abs(x - 95) < 6
    picture[strand] = (60, 40, 30)
    t = np.linspace(80, 220, 9)
    edge = 18 * (1 - ((t - 150) / 70) ** 2)
    iris = np.array([[150, 150], [165, 150], [150, 165], [135, 150], [150, 135]])
    view = view_eye(
        picture, np.column_stack([t, 150 - edge]), np.column_stack([t, 150 + edge]), iris
    )
    hidden = before_the_eye(view)
    column = round(float(view.placed(np.array([95.0, 150.0]))[0]))
    assert hidden[:, column - 3 : column + 4].all()
    assert hidden.mean() < 0.15


@pytest.mark.parametrize("sigma_px", [WIDE_BELL_PX, 6.0])
def test_a_wide_bell_at_half_the_size_is_nearly_the_same(photo: UInt8, sigma_px: float) -> None:
    skin = np.kron(photo[150:230, 190:290], np.ones((2, 2, 1))).astype(np.float32)
    apart = np.abs(_without_detail(skin, sigma_px) - cv2.GaussianBlur(skin, (0, 0), sigma_px))
    inside = apart[24:-24, 24:-24]  # nothing is drawn at the border of a view
    assert inside.max() < 1.5
    assert inside.mean() < 0.2


@pytest.mark.parametrize(("length_mm", "least", "most"), [(6.0, 0.7, 1.2), (24.0, 0.0, 0.25)])
def test_lids_take_pores_and_mottled_skin_and_leave_light_and_shade(
    eye: EyePaint, length_mm: float, least: float, most: float
) -> None:
    size = 2048
    px = length_mm * eye.view.mm / eye.view.scale  # of the picture
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    waves = 100 + 8 * np.sin(2 * np.pi * x / px) * np.sin(2 * np.pi * y / px)
    photo = np.repeat(np.rint(waves).astype(np.uint8)[..., None], 3, axis=2)
    grain = _skin_grain(photo, eye.view, np.array([size / 2, size / 2]))
    assert least < grain.std() / waves.std() < most


def test_an_eye_of_stone_does_not_look_about(
    eye: EyePaint, scene: Scene, deformer: Deformer, controls: Row
) -> None:
    stone = replace(eye, carved=True)
    posed = deformer.deform(controls(gaze_yaw_deg=7.0))
    frame = scene.photo.copy()
    paint_eye(stone, posed, frame)
    np.testing.assert_array_equal(frame, scene.photo)


def test_the_edge_of_a_face_is_no_texture_of_skin() -> None:
    rng = np.random.default_rng(3)
    skin = np.clip(150 + rng.normal(0, 4, (400, 400)), 0, 255)
    skin[:, 230:] = 40  # beyond the cheek
    photo = np.repeat(skin[..., None], 3, axis=2).astype(np.uint8)
    view = view_eye(
        photo,
        np.stack([np.linspace(130, 270, 9), 200 - 25 * np.sin(np.linspace(0, np.pi, 9))], axis=1),
        np.stack([np.linspace(130, 270, 9), 200 + 20 * np.sin(np.linspace(0, np.pi, 9))], axis=1),
        np.array([[200, 200], [225, 200], [200, 175], [175, 200], [200, 225]], np.float64),
    )
    grain = _skin_grain(photo, view, np.array([200.0, 200.0]))
    at = round(view.pixels.shape[1] / 2 + 30.0 * view.scale)
    assert np.abs(grain[:, at - 2 : at + 2]).max() < 1.0
    assert np.abs(grain[:, at - 60 : at - 40]).mean() > 1.0
