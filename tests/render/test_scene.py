"""What a viewer would check on the finished picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.media.planes import Planes
from portravox.render.kernels import CELLS
from portravox.render.scene import Painter, Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig
from portravox.rig.topology import LEFT_EYE

Row = Callable[..., Float32]

STRONG = {
    "speech": 1.0, "lip_gap": 0.3, "jaw": 0.5, "blink_left": 0.6, "blink_right": 0.6,
    "head_yaw_deg": 7.0, "head_pitch_deg": 4.0, "head_roll_deg": -4.0, "head_shift_x": 0.02,
    "gaze_yaw_deg": -5.0, "brow_raise": 0.6, "smile": 0.4,
}  # fmt: skip


@pytest.fixture
def as_frame(photo: UInt8) -> UInt8:
    """The photograph with halved chroma, as every frame has it."""
    return Planes.of(photo).rgb()


@pytest.fixture
def draw(scene: Scene, deformer: Deformer, controls: Row) -> Callable[..., UInt8]:
    painter = Painter(scene)

    def frame(**values: float) -> UInt8:
        return painter.paint(deformer.deform(controls(**values))).copy()

    return frame


def mouth_box(scene: Scene) -> tuple[slice, slice]:
    edge = np.concatenate([scene.rig.face.lips.upper_inner, scene.rig.face.lips.lower_inner])
    x0, y0 = edge.min(axis=0).astype(int)
    x1, y1 = edge.max(axis=0).astype(int) + 1
    return slice(y0, y1), slice(x0, x1)


def test_rest_is_the_photograph_itself(draw: Callable[..., UInt8], as_frame: UInt8) -> None:
    assert np.array_equal(draw(), as_frame)
    draw(**STRONG)
    assert np.array_equal(draw(), as_frame)


def test_what_was_drawn_elsewhere_before_is_not_blurred_in(
    rig: Rig, matte: Float32, photo: UInt8, deformer: Deformer, controls: Row
) -> None:
    soft = np.asarray(cv2.GaussianBlur(photo, (0, 0), 3.0), np.uint8)
    scene = prepare_scene(rig, soft, matte)
    posed = deformer.deform(controls(**STRONG))
    frames = []
    for shade in (0, 255):
        painter = Painter(scene)
        painter._colours[:] = shade
        frames.append(painter.paint(posed).copy())
    np.testing.assert_array_equal(*frames)


def test_far_from_the_head_no_pixel_ever_changes(
    draw: Callable[..., UInt8], scene: Scene, as_frame: UInt8, matte: Float32
) -> None:
    frame = draw(**STRONG)
    # beyond the margin that travels with hair and shoulders, and beyond the head's own travel
    reach = round(0.25 * scene.rig.width_px)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    away = cv2.dilate(matte, disc) < 0.1
    assert away.sum() > 10_000
    assert np.array_equal(frame[away], as_frame[away])


def test_everything_that_changes_lies_in_the_bands(
    draw: Callable[..., UInt8], scene: Scene, as_frame: UInt8
) -> None:
    changed = (draw(**STRONG) != as_frame).any(axis=-1)
    allowed = np.zeros_like(changed)
    for x0, y0, x1, y1 in scene.bands:
        allowed[y0:y1, x0:x1] = True
    assert changed.any()
    assert not (changed & ~allowed).any()


@pytest.mark.parametrize(
    "little",
    [
        {"head_yaw_deg": 0.02},
        {"gaze_yaw_deg": 0.05},
        {"blink_left": 0.01, "blink_right": 0.01},
        {"brow_raise": 0.01},
    ],
)
def test_a_little_movement_changes_a_little(
    draw: Callable[..., UInt8], as_frame: UInt8, little: dict[str, float]
) -> None:
    change = np.abs(draw(**little).astype(int) - as_frame)
    assert change.max() <= 40  # a sharp edge moved by a fraction of a pixel
    assert change.mean() < 0.15


def test_an_open_mouth_is_dark_inside(draw: Callable[..., UInt8], scene: Scene) -> None:
    rows, columns = mouth_box(scene)
    box = slice(rows.start, 2 * rows.stop - rows.start), columns  # the jaw opens downwards
    shut = draw(speech=1.0)[box].astype(float).mean(axis=-1)
    open_ = draw(speech=1.0, lip_gap=0.32, jaw=0.6)[box].astype(float).mean(axis=-1)
    assert np.percentile(open_, 2) < 0.5 * np.percentile(shut, 2)


def test_shut_lips_hide_the_teeth_of_a_smile(
    draw: Callable[..., UInt8], scene: Scene, as_frame: UInt8
) -> None:
    box = mouth_box(scene)

    def pale_share(frame: UInt8) -> float:
        pixels = frame[box].astype(int)
        return float((np.ptp(pixels, axis=-1) < 0.22 * pixels.max(axis=-1)).mean())

    assert pale_share(as_frame) > 0.2  # teeth are pale, lips are not
    assert pale_share(draw(speech=1.0, lip_press=0.8)) < 0.6 * pale_share(as_frame)


def test_the_iris_goes_where_the_gaze_says(
    draw: Callable[..., UInt8], scene: Scene, as_frame: UInt8
) -> None:
    eye = scene.rig.face.landmarks[[*LEFT_EYE.upper, *LEFT_EYE.lower], :2]
    x0, y0 = eye.min(axis=0).astype(int) + 1
    x1, y1 = eye.max(axis=0).astype(int)

    def dark_middle(frame: UInt8) -> float:
        darkness = 255.0 - frame[y0:y1, x0:x1].astype(float).mean(axis=-1)
        darkness = np.maximum(darkness - np.percentile(darkness, 60), 0)
        return float((darkness.sum(axis=0) @ np.arange(x1 - x0)) / darkness.sum())

    right = dark_middle(draw(gaze_yaw_deg=8.0)) - dark_middle(draw(gaze_yaw_deg=-8.0))
    assert right > 0.5  # of the 2.2 px that a 12 mm eyeball turns through; lids stay dark


def test_a_shut_eye_shows_no_white(
    draw: Callable[..., UInt8], scene: Scene, as_frame: UInt8
) -> None:
    x, y = scene.rig.face.landmarks[LEFT_EYE.iris[0], :2].astype(int)
    radius = round(0.05 * scene.rig.width_px)
    around = slice(y - radius, y + radius + 1), slice(x - radius, x + radius + 1)
    open_, shut = as_frame[around].mean(axis=-1), draw(blink_left=1.0)[around].mean(axis=-1)
    skin = as_frame[y - 3 * radius, x].mean()
    assert abs(np.median(open_) - skin) > 40  # iris and pupil are dark
    assert abs(np.median(shut) - skin) < 40  # lids lie a little in the shade


def test_same_pose_same_frame(draw: Callable[..., UInt8]) -> None:
    first = draw(**STRONG)
    draw(head_yaw_deg=-3.0)
    assert np.array_equal(draw(**STRONG), first)


def test_a_breath_moves_the_shoulders_and_neither_background_nor_lower_edge(
    draw: Callable[..., UInt8], scene: Scene, as_frame: UInt8, matte: Float32
) -> None:
    changed = (draw(breath=1.0) != as_frame).any(axis=-1)
    height, width = matte.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    on_body = (scene.rig.body.at(x, y) > 0.8) & (matte > 0.9)
    assert changed[on_body].mean() > 0.2
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    assert not changed[cv2.dilate(matte, disc) < 0.1].any()
    assert not changed[scene.rig.body.region[3] - 2 :].any()


def test_bands_begin_on_nodes_of_the_coarsest_map(scene: Scene) -> None:
    x0, y0 = scene.rig.region[:2]
    coarsest = max(CELLS)
    assert scene.bands
    for band in scene.bands:
        assert (band.x0 - x0) % coarsest == 0 and (band.y0 - y0) % coarsest == 0


def test_a_picture_with_an_odd_side_makes_no_scene(rig: Rig, photo: UInt8, matte: Float32) -> None:
    with pytest.raises(ValueError, match="even sides"):
        prepare_scene(rig, photo[:, :-1], matte[:, :-1])
