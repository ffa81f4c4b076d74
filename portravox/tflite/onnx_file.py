"""ONNX files written by hand: nodes, constants and shapes in the encoding of protocol buffers.

Flow      tflite.convert -> tflite.onnx_file
Gives     the bytes of an ONNX model

Field numbers are those of `onnx/onnx.proto`. Writing the dozen messages needed here takes less
than the package that would do it (onnx brings protobuf and 17 MB).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

IR_VERSION = 8
OPSET = 17
"""The newest set in which reductions take their axes as attributes; onnxruntime 1.12 and later
read it."""

Array = npt.NDArray[Any]

_FLOAT, _INT64 = 1, 7
"""TensorProto.DataType"""

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
"""Kinds of fields in protocol buffers."""

_AS_FLOAT, _AS_INT, _AS_STRING, _AS_INTS = 1, 2, 3, 7
"""AttributeProto.AttributeType"""


class OnnxWriter:
    """Collects a graph; every method that adds a node returns the name of what it gives."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def fresh(self) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: Array) -> str:
        """Whole numbers are kept as int64, all others as float32."""
        whole = np.issubdtype(value.dtype, np.integer)
        array = np.ascontiguousarray(value, "<i8" if whole else "<f4")
        name = self.fresh()
        message = b"".join(_number(1, size) for size in array.shape)
        message += _number(2, _INT64 if whole else _FLOAT) + _text(8, name)
        self._constants.append(message + _field(9, array.tobytes()))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add an operator with one output; attributes as numbers, texts or lists of numbers."""
        name = output or self.fresh()
        message = b"".join(_text(1, entry) for entry in inputs) + _text(2, name)
        message += _text(3, f"{kind}_{name}") + _text(4, kind)
        message += b"".join(_field(5, _attribute(*entry)) for entry in attributes.items())
        self._nodes.append(message)
        return name

    def input(self, name: str, shape: Sequence[int]) -> None:
        """A float32 input; its first dimension is free."""
        self._inputs.append(_value_info(name, shape))

    def output(self, name: str, shape: Sequence[int]) -> None:
        """A float32 output; its first dimension is free."""
        self._outputs.append(_value_info(name, shape))

    def model(self) -> bytes:
        """The whole file."""
        graph = b"".join(_field(1, node) for node in self._nodes) + _text(2, self._name)
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += b"".join(_field(11, entry) for entry in self._inputs)
        graph += b"".join(_field(12, entry) for entry in self._outputs)
        opset = _text(1, "") + _number(2, OPSET)
        return _number(1, IR_VERSION) + _text(2, "portravox") + _field(7, graph) + _field(8, opset)


def _attribute(name: str, value: Any) -> bytes:
    message = _text(1, name)
    if isinstance(value, str):
        return message + _field(4, value.encode()) + _number(20, _AS_STRING)
    if isinstance(value, float):
        packed = _varint(2 << 3 | _FIXED32) + struct.pack("<f", value)
        return message + packed + _number(20, _AS_FLOAT)
    if isinstance(value, int):
        return message + _number(3, value) + _number(20, _AS_INT)
    return message + b"".join(_number(8, int(entry)) for entry in value) + _number(20, _AS_INTS)


def _value_info(name: str, shape: Sequence[int]) -> bytes:
    sizes = [_field(1, _text(2, "batch")), *(_field(1, _number(1, size)) for size in shape[1:])]
    tensor = _number(1, _FLOAT) + _field(2, b"".join(sizes))
    return _text(1, name) + _field(2, _field(1, tensor))


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; negative numbers as 64-bit two's complement."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _field(field: int, payload: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(payload)) + payload


def _text(field: int, text: str) -> bytes:
    return _field(field, text.encode())
