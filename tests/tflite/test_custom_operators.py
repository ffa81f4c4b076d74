"""The mesh network's own operators do what their formulas say."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
import pytest

from portravox.tflite.custom_operators import (
    landmarks_to_transform,
    transform_landmarks,
    transform_tensor,
    transposed_convolution_options,
)
from portravox.tflite.flatbuffer import FormatError
from portravox.tflite.onnx_file import OnnxWriter

OPTIONS = {
    "left_rotation_idx": 0,
    "right_rotation_idx": 1,
    "subset_idxs": [[0, 1], [2, 3]],
    "output_width": 16,
    "output_height": 16,
    "scale_x": 1.5,
    "scale_y": 1.5,
    "target_rotation_radians": 0.0,
}


def run(onnx: OnnxWriter, output: str, rank: int, **inputs: np.ndarray) -> np.ndarray:
    onnx.output(output, rank * [1])
    session = onnxruntime.InferenceSession(onnx.model(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, inputs)
    return answer


def transform_of(points: np.ndarray, **changes: float) -> np.ndarray:
    """(N, 4, 4) for (N, P, 3) points."""
    onnx = OnnxWriter("test")
    onnx.input("points", points.shape)
    name = landmarks_to_transform(onnx, "points", OPTIONS | changes)
    return run(onnx, name, 3, points=points.astype(np.float32))


def box_of(width: float, height: float, x: float, y: float, turn: float) -> np.ndarray:
    """(1, 4, 3) two points on the middle line, left and right, then one above and one below."""
    flat = np.array([(-width / 2, 0), (width / 2, 0), (0, -height / 2), (0, height / 2)])
    c, s = math.cos(turn), math.sin(turn)
    turned = flat @ np.array([[c, s], [-s, c]]) + (x, y)
    return np.column_stack([turned, np.zeros(4)])[None]


@pytest.mark.parametrize("turn", [0.0, 0.4, -1.2, 2.8])
def test_the_squares_corners_are_those_of_the_enlarged_turned_box(turn: float) -> None:
    (matrix,) = transform_of(box_of(8.0, 4.0, 20.0, 30.0, turn))
    corners = np.array([(0, 0, 0, 1), (16, 0, 0, 1), (16, 16, 0, 1), (0, 16, 0, 1)], float)
    found = (corners @ matrix.T)[:, :2]
    assert np.allclose(found.mean(axis=0), (20.0, 30.0), atol=1e-4)
    assert np.linalg.norm(found[1] - found[0]) == pytest.approx(1.5 * 8.0, abs=1e-4)
    assert np.linalg.norm(found[3] - found[0]) == pytest.approx(1.5 * 4.0, abs=1e-4)
    along = found[1] - found[0]
    assert math.atan2(along[1], along[0]) == pytest.approx(turn, abs=1e-5)


def test_each_of_a_batch_has_its_own_transform() -> None:
    boxes = np.concatenate([box_of(8.0, 4.0, 20.0, 30.0, 0.3), box_of(2.0, 6.0, 5.0, 9.0, -0.5)])
    together = transform_of(boxes)
    for n in range(2):
        assert np.allclose(together[n], transform_of(boxes[n : n + 1])[0], atol=1e-5)


def test_the_target_angle_is_added() -> None:
    straight = transform_of(box_of(8.0, 8.0, 0.0, 0.0, 0.0))[0]
    turned = transform_of(box_of(8.0, 8.0, 0.0, 0.0, 0.0), target_rotation_radians=math.pi / 2)[0]
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert np.allclose(turned[:2, :2], quarter @ straight[:2, :2], atol=1e-5)


def test_points_in_one_place_give_numbers() -> None:
    assert np.isfinite(transform_of(np.zeros((1, 4, 3)))).all()


def sampled(features: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The (N, C, 16, 16) cut out of (N, C, H, W)."""
    onnx = OnnxWriter("test")
    onnx.input("features", features.shape)
    onnx.input("matrix", matrix.shape)
    name = transform_tensor(onnx, "features", "matrix", OPTIONS, features.shape[2:])
    return run(
        onnx, name, 4, features=features.astype(np.float32), matrix=matrix.astype(np.float32)
    )


def test_a_shift_by_whole_pixels_is_a_crop() -> None:
    features = np.random.default_rng(1).normal(size=(1, 3, 48, 40))
    matrix = np.eye(4)[None].copy()
    matrix[0, :2, 3] = (7.0, 11.0)
    assert np.allclose(sampled(features, matrix), features[:, :, 11:27, 7:23], atol=1e-5)


def test_between_pixels_it_is_bilinear_and_outside_it_is_0_at_once() -> None:
    y, x = np.mgrid[0:48, 0:40].astype(float)
    ramp = (1.0 + x + 2.0 * y)[None, None]
    matrix = np.diag([2.0, 3.0, 1.0, 1.0])[None].copy()
    matrix[0, :2, 3] = (-3.3, 2.2)
    found = sampled(ramp, matrix)[0, 0]
    rows, columns = np.mgrid[0:16, 0:16] + 0.5
    at_x, at_y = 2.0 * columns - 3.3 - 0.5, 3.0 * rows + 2.2 - 0.5
    inside = (at_x >= 0) & (at_x <= 39) & (at_y >= 0) & (at_y <= 47)
    assert 0.3 < inside.mean() < 0.95
    assert np.allclose(found, np.where(inside, 1.0 + at_x + 2.0 * at_y, 0.0), atol=1e-3)


def test_landmarks_go_where_the_matrix_sends_them() -> None:
    random = np.random.default_rng(2)
    points, matrix = random.normal(size=(2, 71, 2)), random.normal(size=(2, 4, 4))
    onnx = OnnxWriter("test")
    onnx.input("points", points.shape)
    onnx.input("matrix", matrix.shape)
    name = transform_landmarks(onnx, "points", "matrix")
    found = run(onnx, name, 3, points=points.astype(np.float32), matrix=matrix.astype(np.float32))
    wanted = np.einsum("nij,npj->npi", matrix[:, :2, :2], points) + matrix[:, None, :2, 3]
    assert np.allclose(found, wanted, atol=1e-4)


def test_options_of_a_transposed_convolution() -> None:
    said = b"\x01\0\0\0\x02\0\0\0\x03\0\0\0"
    assert transposed_convolution_options(said) == ("SAME", (3, 2))
    for wrong in (b"", said[:8], b"\x07" + said[1:]):
        with pytest.raises(FormatError):
            transposed_convolution_options(wrong)
