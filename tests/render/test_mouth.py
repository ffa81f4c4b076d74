from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.render.mouth import paint_mouth
from portravox.render.scene import Scene, prepare_scene
from portravox.render.sharpness import edge_sigma, face_edge_sigma
from portravox.rig.deform import Deformer, head_rotation
from portravox.rig.fit import Rig

Row = Callable[..., Float32]


def test_teeth_the_photograph_shows_are_kept(scene: Scene) -> None:
    own = scene.mouth.own
    assert own is not None
    colours = own.colour[own.seen]
    assert len(colours) > 30
    assert np.ptp(colours.mean(axis=0)) < 0.3 * colours.mean()  # pale


def test_upper_teeth_hang_on_the_skull_above_the_lower_ones(scene: Scene) -> None:
    rig, mouth = scene.rig, scene.mouth
    upper = rig.to_head_mm(mouth.upper_anchors)[0]
    lower = rig.to_head_mm(mouth.lower_anchors)[0]
    lips = rig.to_head_mm(rig.rest[[13, 14]].astype(np.float64))
    assert abs(upper[0] - lips[0, 0]) < 1.0
    assert upper[2] > lips[:, 2].mean()  # behind the lips
    assert lower[2] > upper[2]  # an overbite


def test_only_the_neighbourhood_of_the_mouth_is_touched(
    scene: Scene, deformer: Deformer, controls: Row
) -> None:
    posed = deformer.deform(controls(speech=1.0, lip_gap=0.3, jaw=0.5))
    before = np.full(scene.photo.shape, 128, np.uint8)
    frame = before.copy()
    paint_mouth(scene.mouth, posed, frame)
    y, x = np.nonzero((frame != before).any(axis=-1))
    lips = np.concatenate(posed.mouth_edges)
    reach = 8.0 * scene.mouth.mm
    assert len(x) > 100
    assert x.min() > lips[:, 0].min() - reach and x.max() < lips[:, 0].max() + reach
    assert y.min() > lips[:, 1].min() - reach and y.max() < lips[:, 1].max() + reach


def test_a_mouth_that_does_not_speak_is_left_alone(
    scene: Scene, deformer: Deformer, controls: Row
) -> None:
    frame = scene.photo.copy()
    paint_mouth(scene.mouth, deformer.deform(controls(head_yaw_deg=3.0)), frame)
    assert np.array_equal(frame, scene.photo)


def test_a_mouth_in_a_soft_photograph_is_nearly_as_soft(
    rig: Rig, matte: Float32, photo: UInt8, deformer: Deformer, controls: Row
) -> None:
    soft = np.asarray(cv2.GaussianBlur(photo, (0, 0), 3.0), np.uint8)
    posed = deformer.deform(controls(speech=1.0, lip_gap=0.5, jaw=0.5))
    frame = soft.copy()
    paint_mouth(prepare_scene(rig, soft, matte).mouth, posed, frame)
    lips = np.concatenate(posed.mouth_edges)
    (x0, y0), (x1, y1) = lips.min(axis=0).astype(int) - 6, lips.max(axis=0).astype(int) + 7
    mouth = cv2.cvtColor(frame[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    assert edge_sigma(np.asarray(mouth, np.uint8)) > 0.6 * face_edge_sigma(rig, soft)


def test_a_photograph_without_colour_gets_a_mouth_without_colour(
    rig: Rig, photo: UInt8, matte: Float32, deformer: Deformer, controls: Row
) -> None:
    grey = np.repeat(photo.mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    frame = grey.copy()
    mouth = prepare_scene(rig, grey, matte).mouth
    paint_mouth(mouth, deformer.deform(controls(speech=1.0, lip_gap=0.3, jaw=0.5)), frame)
    assert (frame != grey).any()
    assert np.ptp(frame.astype(int), axis=-1).max() <= 2


def test_teeth_that_are_drawn_are_no_greyer_than_the_skin(
    rig: Rig, photo: UInt8, matte: Float32, deformer: Deformer, controls: Row
) -> None:
    # without colour these teeth are not told from moist lips, so they are drawn
    grey = np.repeat(photo.mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    mouth = prepare_scene(rig, grey, matte).mouth
    skin = np.median([grey[int(y), int(x), 0] for x, y in rig.rest[[50, 280, 205, 425], :2]])
    teeth = mouth.upper.pixels[mouth.upper.pixels[..., 3] > 0.95][:, 0]
    assert np.percentile(teeth, 90) > skin


def test_pink_light_of_lips_makes_no_pink_teeth(rig: Rig, photo: UInt8, matte: Float32) -> None:
    pink = np.clip(photo * np.array([1.05, 0.88, 1.05]), 0, 255).astype(np.uint8)
    row = prepare_scene(rig, pink, matte).mouth.lower.pixels
    teeth = row[row[..., 3] > 0.95][:, :3]
    red, green, blue = np.median(teeth[teeth.mean(axis=1) > np.percentile(teeth, 80)], axis=0)
    assert green > 0.97 * (red + blue) / 2


def test_stone_has_no_red_mouth(rig: Rig, photo: UInt8, matte: Float32) -> None:
    brightness = photo.mean(axis=-1, keepdims=True)
    marble = np.clip(brightness * np.array([1.04, 1.0, 0.97]), 0, 255).astype(np.uint8)

    def redness(picture: UInt8) -> float:
        dark = prepare_scene(rig, picture, matte).mouth.cavity
        return float(dark[0] / dark[1:].mean())

    assert redness(marble) < 1.15 < 1.5 < redness(photo)


def test_a_head_that_is_read_as_lowered_hides_no_teeth(
    rig: Rig, photo: UInt8, matte: Float32
) -> None:
    def edge_mm(pitch_deg: float) -> float:
        axes = (head_rotation(0.0, pitch_deg, 0.0) @ rig.axes).astype(np.float32)
        mouth = prepare_scene(replace(rig, axes=axes), photo, matte).mouth
        return float(mouth.lower_anchors[0, 1] / mouth.mm)

    # 6.5 mm behind the lips, under 25 degrees, would be 2.7 mm
    assert abs(edge_mm(-25.0) - edge_mm(0.0)) < 1.5


def test_teeth_that_nearly_meet_show_the_upper_ones(scene: Scene) -> None:
    mouth = scene.mouth
    upper, lower = (
        scene.rig.to_head_mm(anchors)[0, 1]
        for anchors in (mouth.upper_anchors, mouth.lower_anchors)
    )
    assert lower > upper - 1.0  # the lower edges stand behind the upper teeth's, not above them


def test_rounded_lips_show_less_of_the_teeth(
    scene: Scene, deformer: Deformer, controls: Row
) -> None:
    def brightness(rounding: float) -> float:
        posed = deformer.deform(controls(speech=1.0, lip_gap=0.2, lip_round=rounding))
        frame = np.full(scene.photo.shape, 128, np.uint8)
        paint_mouth(scene.mouth, posed, frame)
        inside = frame[(frame != 128).any(axis=-1)].astype(float).mean(axis=-1)
        return float(np.percentile(inside, 90))

    assert brightness(1.0) < 0.9 * brightness(0.0)


def test_tanned_skin_makes_no_orange_teeth(rig: Rig, photo: UInt8, matte: Float32) -> None:
    tanned = np.clip(photo * np.array([1.0, 0.82, 0.66]), 0, 255).astype(np.uint8)
    # the lower row is always drawn
    row = prepare_scene(rig, tanned, matte).mouth.lower.pixels
    teeth = row[row[..., 3] > 0.95][:, :3]
    red, _, blue = np.median(teeth[teeth.mean(axis=1) > np.percentile(teeth, 80)], axis=0)
    skin = np.median([tanned[int(y), int(x)] for x, y in rig.rest[[50, 280, 205, 425], :2]], axis=0)
    assert 1.0 - blue / red < 0.5 * (1.0 - skin[2] / skin[0])
