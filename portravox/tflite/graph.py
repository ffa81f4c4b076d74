"""What a TensorFlow Lite file holds: tensors, constants and operators in the order they run.

Flow      tflite.flatbuffer, tflite.flexbuffer -> tflite.graph -> tflite.convert
Reads     the bytes of a .tflite file with one graph
Gives     Graph

Field numbers are those of TensorFlow's `tensorflow/lite/schema/schema.fbs`, version 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from portravox.tflite.flatbuffer import FormatError, Table, root_table
from portravox.tflite.flexbuffer import read_flexbuffer

Array = npt.NDArray[Any]

_DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8}

_OPERATORS = {
    0: "ADD",
    1: "AVERAGE_POOL_2D",
    2: "CONCATENATION",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    14: "LOGISTIC",
    17: "MAX_POOL_2D",
    18: "MUL",
    19: "RELU",
    21: "RELU6",
    22: "RESHAPE",
    23: "RESIZE_BILINEAR",
    34: "PAD",
    40: "MEAN",
    45: "STRIDED_SLICE",
    54: "PRELU",
    117: "HARD_SWISH",
    124: "DENSIFY",
}
_CUSTOM = 32

_PADDING = {0: "SAME", 1: "VALID"}
_ACTIVATIONS = {0: "NONE", 1: "RELU", 3: "RELU6"}


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A place for an array; constants bring theirs along."""

    name: str
    shape: tuple[int, ...]
    """As TensorFlow orders it: batch, height, width, channels."""

    value: Array | None
    """Of a constant, weights stored as sparse already spread out; None for what is computed."""


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One step."""

    name: str
    """As in TensorFlow's schema; custom operators by their own name."""

    inputs: tuple[int, ...]
    """Numbers of tensors; -1 where an optional one is left out."""

    outputs: tuple[int, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A whole network."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(data: bytes) -> Graph:
    """The graph in a file's bytes. Raises FormatError where they are not such a file, or where it
    uses an operator that is not translated here."""
    model = root_table(data, b"TFL3")
    codes = [_operator_name(code) for code in model.tables(1)]
    buffers = list(model.tables(4))
    subgraphs = list(model.tables(2))
    if len(subgraphs) != 1:
        raise FormatError(f"the file holds {len(subgraphs)} graphs; wanted one")
    graph = subgraphs[0]
    return Graph(
        tensors=tuple(_tensor(entry, buffers) for entry in graph.tables(0)),
        operators=tuple(_operator(entry, codes) for entry in graph.tables(3)),
        inputs=_numbers(graph, 1),
        outputs=_numbers(graph, 2),
    )


def _numbers(table: Table, field: int) -> tuple[int, ...]:
    return tuple(int(number) for number in table.array(field, np.int32))


def _operator_name(code: Table) -> str:
    # files from before 2020 have the number in the first field, which holds up to 127 only
    number = max(int(code.number(0, "b")), int(code.number(3, "i")))
    if number == _CUSTOM:
        return code.text(1)
    if number not in _OPERATORS:
        raise FormatError(f"operator {number} is not translated")
    return _OPERATORS[number]


def _tensor(entry: Table, buffers: list[Table]) -> Tensor:
    shape = _numbers(entry, 0)
    kind = int(entry.number(1, "b"))
    buffer = int(entry.number(2, "I"))
    if kind not in _DTYPES or buffer >= len(buffers):
        raise FormatError(f"a tensor has type {kind} and buffer {buffer}")
    stored = buffers[buffer].blob(0)
    item = np.dtype(_DTYPES[kind]).newbyteorder("<")
    if len(stored) % item.itemsize:
        raise FormatError(f"a constant has {len(stored)} bytes of {item}")
    value: Array = np.frombuffer(stored, item).astype(_DTYPES[kind])
    if value.size == 0:
        return Tensor(entry.text(3), shape, None)
    sparsity = entry.table(6)
    if sparsity is not None:
        value = _spread_out(value, shape, sparsity)
    if value.size != int(np.prod(shape)):
        raise FormatError(f"a constant of shape {shape} has {value.size} numbers")
    return Tensor(entry.text(3), shape, value.reshape(shape))


def _spread_out(values: Array, shape: tuple[int, ...], sparsity: Table) -> Array:
    """A sparse constant with its zeros put in.

    Dimensions are walked in `traversal_order`; numbers from len(shape) on are blocks within the
    dimensions of `block_map`. A sparse dimension lists, for each place of the one before it, which
    of its own places are there (compressed rows).

    values   (n,)
    returns  (size of shape,)
    """
    order, blocks = _numbers(sparsity, 0), _numbers(sparsity, 1)
    sizes: list[int] = []
    places = np.zeros((1, 0), np.int64)  # (n, dimensions walked so far)
    for level in sparsity.tables(2):
        if int(level.number(0, "b")) == 0:
            size = int(level.number(1, "i"))
            places = np.column_stack(
                [np.repeat(places, size, axis=0), np.tile(np.arange(size), len(places))]
            )
        else:
            starts, indices = _index_vector(level, 2), _index_vector(level, 4)
            if len(starts) != len(places) + 1 or starts[-1] != len(indices):
                raise FormatError("a sparse constant's rows do not add up")
            size = int(indices.max(initial=-1)) + 1
            places = np.column_stack([np.repeat(places, np.diff(starts), axis=0), indices])
        sizes.append(size)
    if len(places) != len(values) or len(sizes) != len(order):
        raise FormatError("a sparse constant has another number of values than places")
    at = np.zeros((len(values), len(shape)), np.int64)
    block_sizes = {blocks[n - len(shape)]: sizes[i] for i, n in enumerate(order) if n >= len(shape)}
    for column, number in enumerate(order):
        if number < len(shape):
            at[:, number] += places[:, column] * block_sizes.get(number, 1)
        else:
            at[:, blocks[number - len(shape)]] += places[:, column]
    dense = np.zeros(shape, values.dtype)
    try:
        dense[tuple(at.T)] = values
    except IndexError as error:
        raise FormatError("a sparse constant has a value outside its shape") from error
    return dense.ravel()


def _index_vector(level: Table, field: int) -> Array:
    """One of three tables, by the width of its numbers; `field` tells which, the next holds it."""
    kinds: dict[int, type[np.generic]] = {1: np.int32, 2: np.uint16, 3: np.uint8}
    kind, table = int(level.number(field, "B")), level.table(field + 1)
    if table is None or kind not in kinds:
        raise FormatError("a sparse constant lacks its indices")
    return table.array(0, kinds[kind]).astype(np.int64)


def _operator(entry: Table, codes: list[str]) -> Operator:
    code = int(entry.number(0, "I"))
    if code >= len(codes):
        raise FormatError(f"an operator has the code {code} of {len(codes)}")
    name = codes[code]
    read = _OPTIONS.get(name)
    options: Mapping[str, Any] = {}
    table = entry.table(4)
    if read is not None and table is not None:
        options = read(table)
    elif name not in _OPERATORS.values():
        options = {"custom": entry.blob(5)}
    return Operator(name, _numbers(entry, 1), _numbers(entry, 2), options)


def custom_options(operator: Operator) -> dict[str, Any]:
    """A custom operator's options that are a FlexBuffers map."""
    found = read_flexbuffer(operator.options["custom"])
    if not isinstance(found, dict):
        raise FormatError(f"{operator.name} has options that are no map")
    return found


def _choice(table: Table, field: int, names: Mapping[int, str]) -> str:
    number = int(table.number(field, "b"))
    if number not in names:
        raise FormatError(f"an option has the value {number}, which is not translated")
    return names[number]


def _convolution(table: Table) -> dict[str, Any]:
    return {
        "padding": _choice(table, 0, _PADDING),
        "strides": (int(table.number(2, "i")), int(table.number(1, "i"))),
        "activation": _choice(table, 3, _ACTIVATIONS),
        "dilations": (int(table.number(5, "i", 1)), int(table.number(4, "i", 1))),
    }


def _depthwise(table: Table) -> dict[str, Any]:
    return {
        "padding": _choice(table, 0, _PADDING),
        "strides": (int(table.number(2, "i")), int(table.number(1, "i"))),
        "activation": _choice(table, 4, _ACTIVATIONS),
        "dilations": (int(table.number(6, "i", 1)), int(table.number(5, "i", 1))),
    }


def _pool(table: Table) -> dict[str, Any]:
    return {
        "padding": _choice(table, 0, _PADDING),
        "strides": (int(table.number(2, "i")), int(table.number(1, "i"))),
        "window": (int(table.number(4, "i")), int(table.number(3, "i"))),
        "activation": _choice(table, 5, _ACTIVATIONS),
    }


def _only_activation(table: Table) -> dict[str, Any]:
    return {"activation": _choice(table, 0, _ACTIVATIONS)}


def _concatenation(table: Table) -> dict[str, Any]:
    return {"axis": int(table.number(0, "i")), "activation": _choice(table, 1, _ACTIVATIONS)}


def _resize(table: Table) -> dict[str, Any]:
    return {
        "align_corners": bool(table.number(2, "b")),
        "half_pixel_centers": bool(table.number(3, "b")),
    }


def _mean(table: Table) -> dict[str, Any]:
    return {"keep_dims": bool(table.number(0, "b"))}


def _strided_slice(table: Table) -> dict[str, Any]:
    names = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    return {name: int(table.number(field, "i")) for field, name in enumerate(names)}


def _depth_to_space(table: Table) -> dict[str, Any]:
    return {"block_size": int(table.number(0, "i"))}


_OPTIONS: Mapping[str, Callable[[Table], dict[str, Any]]] = {
    "DEPTH_TO_SPACE": _depth_to_space,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "ADD": _only_activation,
    "MUL": _only_activation,
    "FULLY_CONNECTED": _only_activation,
    "CONCATENATION": _concatenation,
    "RESIZE_BILINEAR": _resize,
    "MEAN": _mean,
    "STRIDED_SLICE": _strided_slice,
}
