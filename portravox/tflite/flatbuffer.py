"""FlatBuffers, as far as TensorFlow Lite files need them: tables, vectors and strings by offset.

Flow      tflite.graph, tflite.flexbuffer -> tflite.flatbuffer
Reads     bytes

Source: the FlatBuffers binary format, https://flatbuffers.dev/internals. A table begins with the
distance back to its vtable, which lists where each field lies; 0 there means the default value.
Every offset is checked against the buffer's end: a damaged file gives FormatError, never a read
outside.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.generic)


class FormatError(ValueError):
    """The bytes are not what the format asks for."""


def root_table(data: bytes, identifier: bytes) -> Table:
    """The outermost table of a file that carries a four-byte identifier after its first offset."""
    if data[4:8] != identifier:
        raise FormatError(f"no {identifier.decode()} file")
    return Table(data, int(scalar(data, 0, "I")))


def scalar(data: bytes, place: int, code: str) -> Any:
    """One little-endian number; code as in `struct`."""
    if place < 0:
        raise FormatError("an offset points before the file")
    try:
        return struct.unpack_from(f"<{code}", data, place)[0]
    except struct.error as error:
        raise FormatError("an offset points beyond the file") from error


class Table:
    """A table at a place in the buffer; fields by their number in the schema."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        self._vtable = place - int(scalar(data, place, "i"))
        self._vtable_bytes = int(scalar(data, self._vtable, "H"))

    def number(self, field: int, code: str, default: float = 0) -> Any:
        """A number or enumeration; code as in `struct`."""
        place = self._field(field)
        return scalar(self._data, place, code) if place else default

    def table(self, field: int) -> Table | None:
        place = self._target(field)
        return Table(self._data, place) if place else None

    def tables(self, field: int) -> Iterator[Table]:
        start, count = self._vector(field)
        for place in range(start, start + 4 * count, 4):
            yield Table(self._data, place + int(scalar(self._data, place, "I")))

    def text(self, field: int) -> str:
        start, count = self._vector(field)
        return self._slice(start, count).decode("utf-8", "replace")

    def blob(self, field: int) -> bytes:
        start, count = self._vector(field)
        return self._slice(start, count)

    def array(self, field: int, dtype: type[Number]) -> npt.NDArray[Number]:
        """A vector of numbers; empty where it is missing."""
        start, count = self._vector(field)
        kind = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(self._slice(start, count * kind.itemsize), kind).astype(dtype)

    def _field(self, field: int) -> int:
        """Where the field lies; 0 where it has its default value."""
        entry = 4 + 2 * field
        if entry >= self._vtable_bytes:
            return 0
        offset = int(scalar(self._data, self._vtable + entry, "H"))
        return self._place + offset if offset else 0

    def _target(self, field: int) -> int:
        place = self._field(field)
        return place + int(scalar(self._data, place, "I")) if place else 0

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._target(field)
        return (place + 4, int(scalar(self._data, place, "I"))) if place else (0, 0)

    def _slice(self, start: int, count: int) -> bytes:
        if start + count > len(self._data):
            raise FormatError("a vector reaches beyond the file")
        return self._data[start : start + count]
