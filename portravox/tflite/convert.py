"""A TensorFlow Lite network as an ONNX network that takes batches.

Flow      model_files -> tflite.convert -> inference
Reads     the bytes of a .tflite file
Gives     the bytes of an ONNX file with the same inputs and outputs, by position

TensorFlow orders pictures as batch, height, width, channels (NHWC), ONNX as batch, channels,
height, width (NCHW). Here every four-dimensional tensor is kept in NCHW between the network's
inputs and outputs, so that no transposition stands between two convolutions. Weights stored in
half precision or as sparse are spread out to float32 once. The batch, 1 in the files, is left
free.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from portravox.tflite.custom_operators import (
    landmarks_to_transform,
    transform_landmarks,
    transform_tensor,
    transposed_convolution_options,
)
from portravox.tflite.flatbuffer import FormatError
from portravox.tflite.graph import Array, Graph, Operator, custom_options, read_graph
from portravox.tflite.onnx_file import OnnxWriter

_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
_AXIS_IN_NCHW = (0, 2, 3, 1)


def onnx_from_tflite(data: bytes, name: str) -> bytes:
    """The same network as an ONNX file; name is for messages.

    Inputs are called input_0, input_1 …, outputs output_0 … in the file's order; both are NHWC.
    Raises FormatError where the file is damaged or asks for what is not translated.
    """
    try:
        return _Translation(read_graph(data), name).model()
    except (IndexError, KeyError, OverflowError, TypeError) as error:
        raise FormatError(f"the network cannot be followed: {error!r}") from error


class _Translation:
    """One pass over the operators, in the order they run."""

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph = graph
        self._onnx = OnnxWriter(name)
        self._names: dict[int, str] = {}
        """What is computed, by the tensor's number."""
        self._constants: dict[int, Array] = {
            number: tensor.value
            for number, tensor in enumerate(graph.tensors)
            if tensor.value is not None
        }

    def model(self) -> bytes:
        for place, number in enumerate(self._graph.inputs):
            name, shape = f"input_{place}", self._shape(number)
            self._onnx.input(name, shape)
            if len(shape) == 4:
                name = self._onnx.node("Transpose", name, perm=_TO_NCHW)
            self._names[number] = name
        for operator in self._graph.operators:
            self._translate(operator)
        for place, number in enumerate(self._graph.outputs):
            name, shape = f"output_{place}", self._shape(number)
            if len(shape) == 4:
                self._onnx.node("Transpose", self._names[number], output=name, perm=_TO_NHWC)
            else:
                self._onnx.node("Identity", self._names[number], output=name)
            self._onnx.output(name, shape)
        return self._onnx.model()

    def _translate(self, operator: Operator) -> None:
        if operator.name in ("DEQUANTIZE", "DENSIFY"):
            value = self._constant(operator.inputs[0])
            if operator.name == "DEQUANTIZE":
                value = value.astype(np.float32)
            self._constants[operator.outputs[0]] = value
            return
        translate = _TRANSLATIONS.get(operator.name)
        if translate is None:
            raise FormatError(f"operator {operator.name} is not translated")
        name = translate(self, operator)
        match operator.options.get("activation", "NONE"):
            case "RELU":
                name = self._onnx.node("Relu", name)
            case "RELU6":
                name = self._clipped(name, 6.0)
        self._names[operator.outputs[0]] = name

    def _shape(self, number: int) -> tuple[int, ...]:
        """In TensorFlow's order."""
        return self._graph.tensors[number].shape

    def _constant(self, number: int) -> Array:
        if number not in self._constants:
            raise FormatError("an operator wants a constant where there is none")
        return self._constants[number]

    def _operand(self, number: int, rank: int) -> str:
        """What is computed, or a constant, to be combined with a tensor of that rank."""
        if number not in self._constants:
            return self._names[number]
        value = self._constants[number]
        if rank == 4 and 1 < value.ndim <= 4:
            value = value.reshape((1,) * (4 - value.ndim) + value.shape).transpose(_TO_NCHW)
        elif rank == 4 and value.size > 1:
            value = value.reshape(-1, 1, 1)
        return self._onnx.constant(value)

    def _clipped(self, name: str, high: float) -> str:
        bounds = (self._onnx.constant(np.array(edge, np.float32)) for edge in (0.0, high))
        return self._onnx.node("Clip", name, *bounds)

    def _pads(self, operator: Operator, window: Sequence[int]) -> list[int]:
        """Rows above, columns left, rows below, columns right of a picture, as TensorFlow pads:
        so that the output has the input's size over the stride, the odd one at the end."""
        if operator.options["padding"] == "VALID":
            return [0, 0, 0, 0]
        before, after = [], []
        dilations = operator.options.get("dilations", (1, 1))
        for axis in range(2):
            size, stride = (
                self._shape(operator.inputs[0])[1 + axis],
                operator.options["strides"][axis],
            )
            reach = (window[axis] - 1) * dilations[axis] + 1
            total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
            before.append(total // 2)
            after.append(total - total // 2)
        return [*before, *after]

    def convolution(self, operator: Operator) -> str:
        weights = self._constant(operator.inputs[1])
        groups = 1
        if operator.name == "DEPTHWISE_CONV_2D":
            groups = self._shape(operator.inputs[0])[3]
            weights = weights.transpose(3, 0, 1, 2)  # (1, h, w, c) -> (c, 1, h, w)
        else:
            weights = weights.transpose(0, 3, 1, 2)  # (out, h, w, in) -> (out, in, h, w)
        window = weights.shape[2:]
        return self._onnx.node(
            "Conv",
            self._names[operator.inputs[0]],
            self._onnx.constant(weights),
            *self._bias(operator, 2),
            kernel_shape=window,
            strides=operator.options["strides"],
            dilations=operator.options["dilations"],
            pads=self._pads(operator, window),
            group=groups,
        )

    def _bias(self, operator: Operator, place: int) -> list[str]:
        given = operator.inputs[place:]
        return [self._onnx.constant(self._constant(given[0]))] if given and given[0] >= 0 else []

    def transposed_convolution(self, operator: Operator) -> str:
        padding, strides = transposed_convolution_options(operator.options["custom"])
        weights = self._constant(operator.inputs[1]).transpose(3, 0, 1, 2)  # -> (in, out, h, w)
        before, after = [], []
        for axis in range(2):
            size = self._shape(operator.inputs[0])[1 + axis]
            wanted = self._shape(operator.outputs[0])[1 + axis]
            total = (size - 1) * strides[axis] + weights.shape[2 + axis] - wanted
            if total < 0 or (total and padding == "VALID"):
                raise FormatError("a transposed convolution gives another size than it says")
            before.append(total // 2)
            after.append(total - total // 2)
        return self._onnx.node(
            "ConvTranspose",
            self._names[operator.inputs[0]],
            self._onnx.constant(weights),
            *self._bias(operator, 2),
            kernel_shape=weights.shape[2:],
            strides=strides,
            pads=[*before, *after],
        )

    def pool(self, operator: Operator) -> str:
        source, window = operator.inputs[0], operator.options["window"]
        if operator.name == "AVERAGE_POOL_2D" and window == self._shape(source)[1:3]:
            return self._onnx.node("GlobalAveragePool", self._names[source])
        return self._onnx.node(
            "MaxPool" if operator.name == "MAX_POOL_2D" else "AveragePool",
            self._names[source],
            kernel_shape=window,
            strides=operator.options["strides"],
            pads=self._pads(operator, window),
        )

    def arithmetic(self, operator: Operator) -> str:
        rank = len(self._shape(operator.outputs[0]))
        kind = {"ADD": "Add", "MUL": "Mul"}[operator.name]
        return self._onnx.node(kind, *(self._operand(number, rank) for number in operator.inputs))

    def elementwise(self, operator: Operator) -> str:
        name = self._names[operator.inputs[0]]
        match operator.name:
            case "RELU6":
                return self._clipped(name, 6.0)
            case "PRELU":
                rank = len(self._shape(operator.inputs[0]))
                return self._onnx.node("PRelu", name, self._operand(operator.inputs[1], rank))
            case "RELU":
                return self._onnx.node("Relu", name)
            case "LOGISTIC":
                return self._onnx.node("Sigmoid", name)
        return self._onnx.node("HardSwish", name)

    def pad(self, operator: Operator) -> str:
        widths = self._constant(operator.inputs[1]).astype(np.int64)
        if len(widths) == 4:
            widths = widths[list(_TO_NCHW)]
        name = self._names[operator.inputs[0]]
        return self._onnx.node("Pad", name, self._onnx.constant(widths.T.ravel()))

    def reshape(self, operator: Operator) -> str:
        source, target = operator.inputs[0], operator.outputs[0]
        before, after = self._shape(source), self._shape(target)
        if before[0] != 1 or after[0] != 1:
            raise FormatError("a reshape mixes the batch with other dimensions")
        name = self._names[source]
        if len(before) == 4 and before[1:3] != (1, 1):
            name = self._onnx.node("Transpose", name, perm=_TO_NHWC)
        single = len(after) == 4 and after[1:3] == (1, 1)
        sizes = [-1, after[3], 1, 1] if single else [-1, *after[1:]]
        name = self._onnx.node("Reshape", name, self._onnx.constant(np.array(sizes, np.int64)))
        if len(after) == 4 and not single:
            name = self._onnx.node("Transpose", name, perm=_TO_NCHW)
        return name

    def concatenation(self, operator: Operator) -> str:
        rank = len(self._shape(operator.outputs[0]))
        axis = operator.options["axis"] % rank
        parts = (self._operand(number, rank) for number in operator.inputs)
        return self._onnx.node("Concat", *parts, axis=_AXIS_IN_NCHW[axis] if rank == 4 else axis)

    def resize(self, operator: Operator) -> str:
        before, after = (self._shape(n)[1:3] for n in (operator.inputs[0], operator.outputs[0]))
        scales = [1.0, 1.0, after[0] / before[0], after[1] / before[1]]
        if operator.options["align_corners"]:
            places = "align_corners"
        else:
            places = "half_pixel" if operator.options["half_pixel_centers"] else "asymmetric"
        return self._onnx.node(
            "Resize",
            self._names[operator.inputs[0]],
            "",
            self._onnx.constant(np.array(scales, np.float32)),
            mode="linear",
            coordinate_transformation_mode=places,
        )

    def depth_to_space(self, operator: Operator) -> str:
        name, block = self._names[operator.inputs[0]], operator.options["block_size"]
        return self._onnx.node("DepthToSpace", name, blocksize=block, mode="DCR")

    def mean(self, operator: Operator) -> str:
        axes = sorted(int(axis) for axis in self._constant(operator.inputs[1]).ravel())
        if axes != [1, 2] or len(self._shape(operator.inputs[0])) != 4:
            raise FormatError(f"a mean over the axes {axes} is not translated")
        name = self._names[operator.inputs[0]]
        keep = int(operator.options["keep_dims"])
        return self._onnx.node("ReduceMean", name, axes=[2, 3], keepdims=keep)

    def fully_connected(self, operator: Operator) -> str:
        if len(self._shape(operator.inputs[0])) != 2:
            raise FormatError("a fully connected layer on more than rows is not translated")
        weights = self._onnx.constant(self._constant(operator.inputs[1]))
        name = self._names[operator.inputs[0]]
        return self._onnx.node("Gemm", name, weights, *self._bias(operator, 2), transB=1)

    def strided_slice(self, operator: Operator) -> str:
        if any(operator.options.values()):
            raise FormatError("a slice with masks is not translated")
        begin, end, step = (self._constant(n).astype(np.int64) for n in operator.inputs[1:4])
        if (begin[0], end[0], step[0]) != (0, 1, 1):
            raise FormatError("a slice of the batch is not translated")
        order = _AXIS_IN_NCHW if len(begin) == 4 else tuple(range(len(begin)))
        axes = np.array(order[1:], np.int64)
        parts = (begin[1:], end[1:], axes, step[1:])
        name = self._names[operator.inputs[0]]
        return self._onnx.node("Slice", name, *(self._onnx.constant(part) for part in parts))

    def custom(self, operator: Operator) -> str:
        names = [self._names[number] for number in operator.inputs]
        if operator.name == "TransformLandmarks":
            return transform_landmarks(self._onnx, names[0], names[1])
        options = custom_options(operator)
        if operator.name == "Landmarks2TransformMatrix":
            return landmarks_to_transform(self._onnx, names[0], options)
        height, width = self._shape(operator.inputs[0])[1:3]
        return transform_tensor(self._onnx, names[0], names[1], options, (height, width))


_TRANSLATIONS: Mapping[str, Callable[[_Translation, Operator], str]] = {
    "ADD": _Translation.arithmetic,
    "MUL": _Translation.arithmetic,
    "CONV_2D": _Translation.convolution,
    "DEPTHWISE_CONV_2D": _Translation.convolution,
    "Convolution2DTransposeBias": _Translation.transposed_convolution,
    "AVERAGE_POOL_2D": _Translation.pool,
    "MAX_POOL_2D": _Translation.pool,
    "RELU": _Translation.elementwise,
    "RELU6": _Translation.elementwise,
    "PRELU": _Translation.elementwise,
    "LOGISTIC": _Translation.elementwise,
    "HARD_SWISH": _Translation.elementwise,
    "PAD": _Translation.pad,
    "RESHAPE": _Translation.reshape,
    "CONCATENATION": _Translation.concatenation,
    "RESIZE_BILINEAR": _Translation.resize,
    "DEPTH_TO_SPACE": _Translation.depth_to_space,
    "MEAN": _Translation.mean,
    "FULLY_CONNECTED": _Translation.fully_connected,
    "STRIDED_SLICE": _Translation.strided_slice,
    "Landmarks2TransformMatrix": _Translation.custom,
    "TransformTensorBilinear": _Translation.custom,
    "TransformLandmarks": _Translation.custom,
}
