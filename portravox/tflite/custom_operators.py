"""MediaPipe's own operators, written with ONNX's: closer looks at lips and eyes.

Flow      tflite.convert -> tflite.custom_operators -> tflite.onnx_file

The mesh network lays a square around the points of the lips or of an eye, upright by two of them,
takes that square out of a map of features, finds finer points in it and puts them back. As in
MediaPipe's `util/tflite/operations`, version 2 of each operator.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from portravox.tflite.flatbuffer import FormatError
from portravox.tflite.graph import Array
from portravox.tflite.onnx_file import OnnxWriter

_SAME, _VALID = 1, 2
"""TfLitePadding"""


def transposed_convolution_options(options: bytes) -> tuple[str, tuple[int, int]]:
    """Padding and strides (rows, columns) of a `Convolution2DTransposeBias`: three numbers as
    `TfLiteTransposeConvParams` has them in memory."""
    if len(options) < 12:
        raise FormatError("a transposed convolution lacks its options")
    padding, columns, rows = struct.unpack_from("<iii", options)
    if padding not in (_SAME, _VALID):
        raise FormatError(f"a transposed convolution has the padding {padding}")
    return ("SAME" if padding == _SAME else "VALID"), (rows, columns)


def landmarks_to_transform(onnx: OnnxWriter, points: str, options: Mapping[str, Any]) -> str:
    """(N, P, 3) points -> (N, 4, 4), from px of the square cut out to px of the map.

    T = Shift(middle) . Turn(-r) . Scale(s w / width, s h / height) . Shift(-width/2, -height/2),
    where r turns the line between two points to the target angle, and w, h and the middle are
    those of the box around the points of a subset so turned.
    """
    subset = np.array(options["subset_idxs"], np.int64).ravel()
    target = float(options["target_rotation_radians"])
    out_width, out_height = float(options["output_width"]), float(options["output_height"])

    def part(name: str, axis: int, *places: int) -> str:
        return onnx.node("Gather", name, onnx.constant(np.array(places, np.int64)), axis=axis)

    def times(a: str, b: str) -> str:
        return onnx.node("Mul", a, b)

    def scaled(a: str, factor: float) -> str:
        return times(a, onnx.constant(np.array(factor, np.float32)))

    def plus(a: str, b: str) -> str:
        return onnx.node("Add", a, b)

    def minus(a: str, b: str) -> str:
        return onnx.node("Sub", a, b)

    left = part(points, 1, int(options["left_rotation_idx"]))
    right = part(points, 1, int(options["right_rotation_idx"]))
    line = minus(right, left)  # (N, 1, 3)
    dx, dy = part(line, 2, 0), part(line, 2, 1)  # (N, 1, 1)
    length = onnx.node("Sqrt", plus(times(dx, dx), times(dy, dy)))
    # two points in one place have the angle 0, as atan2(0, 0) has
    nowhere = onnx.node("Equal", length, onnx.constant(np.array(0.0, np.float32)))
    one = onnx.constant(np.array(1.0, np.float32))
    length = onnx.node("Where", nowhere, one, length)
    along = onnx.node("Div", onnx.node("Where", nowhere, one, dx), length)  # cos of the line
    across = onnx.node("Div", dy, length)  # sin of the line
    # r = target - angle of the line
    cos = plus(scaled(along, math.cos(target)), scaled(across, math.sin(target)))
    sin = minus(scaled(along, math.sin(target)), scaled(across, math.cos(target)))
    chosen = onnx.node("Gather", points, onnx.constant(subset), axis=1)  # (N, S, 3)
    x, y = part(chosen, 2, 0), part(chosen, 2, 1)
    turned_x = minus(times(x, cos), times(y, sin))
    turned_y = plus(times(x, sin), times(y, cos))
    low_x, high_x = _bounds(onnx, turned_x)
    low_y, high_y = _bounds(onnx, turned_y)
    middle_x, middle_y = scaled(plus(low_x, high_x), 0.5), scaled(plus(low_y, high_y), 0.5)
    centre_x = plus(times(middle_x, cos), times(middle_y, sin))  # turned back by -r
    centre_y = minus(times(middle_y, cos), times(middle_x, sin))
    stretch_x = scaled(minus(high_x, low_x), float(options["scale_x"]) / out_width)
    stretch_y = scaled(minus(high_y, low_y), float(options["scale_y"]) / out_height)
    xx, xy = times(stretch_x, cos), times(stretch_y, sin)
    yx, yy = scaled(times(stretch_x, sin), -1.0), times(stretch_y, cos)
    shift_x = minus(centre_x, plus(scaled(xx, out_width / 2.0), scaled(xy, out_height / 2.0)))
    shift_y = minus(centre_y, plus(scaled(yx, out_width / 2.0), scaled(yy, out_height / 2.0)))
    zero = scaled(xx, 0.0)
    ones = plus(zero, one)
    rows = [xx, xy, zero, shift_x, yx, yy, zero, shift_y]
    rows += [zero, zero, ones, zero, zero, zero, zero, ones]
    flat = onnx.node("Concat", *rows, axis=2)  # (N, 1, 16)
    return onnx.node("Reshape", flat, onnx.constant(np.array([-1, 4, 4], np.int64)))


def _bounds(onnx: OnnxWriter, values: str) -> tuple[str, str]:
    """Least and greatest along the points."""
    return (
        onnx.node("ReduceMin", values, axes=[1], keepdims=1),
        onnx.node("ReduceMax", values, axes=[1], keepdims=1),
    )


def transform_tensor(
    onnx: OnnxWriter,
    features: str,
    transform: str,
    options: Mapping[str, Any],
    size: tuple[int, int],
) -> str:
    """(N, C, H, W) and (N, 4, 4) -> (N, C, height, width), bilinear; 0 outside the map.

    Pixel (x, y) reads the map at T . (x + 1/2, y + 1/2) - 1/2. Unlike ONNX's own rule, which fades
    to 0 over one pixel, what lies beyond the outermost pixels' centres is 0 at once.
    """
    width, height = int(options["output_width"]), int(options["output_height"])
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    pixels = np.stack([columns.ravel(), rows.ravel(), np.ones(width * height)])  # (3, P)
    places = onnx.node("MatMul", _flat_rows(onnx, transform), onnx.constant(pixels))  # (N, 2, P)
    places = onnx.node("Sub", places, onnx.constant(np.array(0.5, np.float32)))
    last = np.array([size[1] - 1, size[0] - 1], np.float32)[:, None]
    # -1 is the first pixel's centre, 1 the last one's
    grid = onnx.node("Mul", places, onnx.constant(2.0 / last))
    grid = onnx.node("Sub", grid, onnx.constant(np.array(1.0, np.float32)))
    grid = onnx.node("Transpose", grid, perm=[0, 2, 1])
    grid = onnx.node("Reshape", grid, onnx.constant(np.array([-1, height, width, 2], np.int64)))
    # GridSample has no word for bilinear but this
    taken = onnx.node(
        "GridSample", features, grid, mode="bilinear", padding_mode="border", align_corners=1
    )
    inside = onnx.node("Clip", places, onnx.constant(np.array(0.0, np.float32)))
    inside = onnx.node("Min", inside, onnx.constant(last))
    inside = onnx.node("Cast", onnx.node("Equal", inside, places), to=1)  # (N, 2, P)
    inside = onnx.node("ReduceMin", inside, axes=[1], keepdims=1)
    inside = onnx.node("Reshape", inside, onnx.constant(np.array([-1, 1, height, width], np.int64)))
    return onnx.node("Mul", taken, inside)


def transform_landmarks(onnx: OnnxWriter, points: str, transform: str) -> str:
    """(N, P, 2) and (N, 4, 4) -> (N, P, 2): the first two rows of T . (x, y, 0, 1)."""
    rows = _flat_rows(onnx, transform)  # (N, 2, 3)
    turn = onnx.node("Gather", rows, onnx.constant(np.array([0, 1], np.int64)), axis=2)
    shift = onnx.node("Gather", rows, onnx.constant(np.array([2], np.int64)), axis=2)
    turned = onnx.node("MatMul", points, onnx.node("Transpose", turn, perm=[0, 2, 1]))
    return onnx.node("Add", turned, onnx.node("Transpose", shift, perm=[0, 2, 1]))


def _flat_rows(onnx: OnnxWriter, transform: str) -> str:
    """(N, 4, 4) -> (N, 2, 3): what it does to x and y where z is 0."""
    rows: Array = np.array([0, 1], np.int64)
    columns: Array = np.array([0, 1, 3], np.int64)
    name = onnx.node("Gather", transform, onnx.constant(rows), axis=1)
    return onnx.node("Gather", name, onnx.constant(columns), axis=2)
