"""FlexBuffers, as far as the options of custom operators need them: maps of numbers and lists.

Flow      tflite.graph -> tflite.flexbuffer
Reads     bytes
Gives     int, float, bool, str, list or dict

Source: FlatBuffers' `flexbuffers.h`. A buffer is read from its end: the last byte is the width of
the root value in bytes, the one before it its packed type (type << 2 | log2 of its width).
"""

from __future__ import annotations

from typing import Any

from portravox.tflite.flatbuffer import FormatError, scalar

_INT, _UINT, _FLOAT, _KEY, _STRING = 1, 2, 3, 4, 5
_INDIRECT = {6: _INT, 7: _UINT, 8: _FLOAT}
_MAP, _VECTOR, _BOOL = 9, 10, 26
_TYPED = {11: _INT, 12: _UINT, 13: _FLOAT, 14: _KEY, 36: _BOOL}
_FIXED = {16: (_INT, 2), 17: (_UINT, 2), 18: (_FLOAT, 2), 19: (_INT, 3), 20: (_UINT, 3)}
_FIXED |= {21: (_FLOAT, 3), 22: (_INT, 4), 23: (_UINT, 4), 24: (_FLOAT, 4)}
_CODES = {
    _INT: {1: "b", 2: "h", 4: "i", 8: "q"},
    _UINT: {1: "B", 2: "H", 4: "I", 8: "Q"},
    _FLOAT: {2: "e", 4: "f", 8: "d"},
}
_DEEPEST = 16
"""Of values within values; what lies deeper refers to itself."""


def read_flexbuffer(data: bytes) -> Any:
    """The value in a buffer. Raises FormatError."""
    if len(data) < 3:
        raise FormatError("a flexbuffer has at least three bytes")
    width = data[-1]
    return _value(data, len(data) - 2 - width, width, data[-2], 0)


def _value(data: bytes, place: int, width: int, packed: int, depth: int) -> Any:
    """width: in bytes, of the slot at that place; the packed type tells the width behind it."""
    if depth > _DEEPEST:
        raise FormatError("a flexbuffer lies too deep within itself")
    kind, inner = packed >> 2, 1 << (packed & 3)
    if kind == 0:
        return None
    if kind in _CODES:
        return _number(data, place, width, kind)
    if kind == _BOOL:
        return bool(_number(data, place, width, _UINT))
    target = place - int(_number(data, place, width, _UINT))
    if kind in _INDIRECT:
        return _number(data, target, inner, _INDIRECT[kind])
    if kind == _KEY:
        return _text(data, target, data.find(b"\0", max(target, 0)))
    if kind == _STRING:
        return _text(data, target, target + int(_number(data, target - inner, inner, _UINT)))
    if kind == _MAP:
        keys_at = target - 3 * inner
        keys_place = keys_at - int(_number(data, keys_at, inner, _UINT))
        key_width = int(_number(data, keys_at + inner, inner, _UINT))
        keys = _typed(data, keys_place, key_width, _KEY, depth)
        return dict(zip(keys, _mixed(data, target, inner, depth), strict=True))
    if kind == _VECTOR:
        return _mixed(data, target, inner, depth)
    if kind in _TYPED:
        return _typed(data, target, inner, _TYPED[kind], depth)
    if kind in _FIXED:
        element, count = _FIXED[kind]
        return [_number(data, target + i * inner, inner, element) for i in range(count)]
    raise FormatError(f"a flexbuffer holds a value of kind {kind}, which is not read here")


def _number(data: bytes, place: int, width: int, kind: int) -> Any:
    code = _CODES[kind].get(width)
    if code is None:
        raise FormatError(f"a flexbuffer holds a number of {width} bytes")
    return scalar(data, place, code)


def _text(data: bytes, start: int, end: int) -> str:
    if not 0 <= start <= end <= len(data):
        raise FormatError("a text reaches beyond the flexbuffer")
    return data[start:end].decode("utf-8", "replace")


def _count(data: bytes, place: int, width: int) -> int:
    count = int(_number(data, place - width, width, _UINT))
    if place + count * width > len(data):
        raise FormatError("a vector reaches beyond the flexbuffer")
    return count


def _mixed(data: bytes, place: int, width: int, depth: int) -> list[Any]:
    """Each element's packed type stands in a byte behind all elements."""
    count = _count(data, place, width)
    types = place + count * width
    return [
        _value(data, place + i * width, width, int(scalar(data, types + i, "B")), depth + 1)
        for i in range(count)
    ]


def _typed(data: bytes, place: int, width: int, kind: int, depth: int) -> list[Any]:
    return [
        _value(data, place + i * width, width, kind << 2, depth + 1)
        for i in range(_count(data, place, width))
    ]
