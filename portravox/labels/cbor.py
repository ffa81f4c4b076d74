"""CBOR, as far as C2PA manifests of ours need it: read strictly, written in one shape.

Flow      bytes of a manifest -> cbor -> labels.manifest

What is read may come from a process that a stranger's file took over, so that nothing is guessed:
lengths are told beforehand, no key stands twice, nothing is left over, and what we never write
(floats, lengths without end) is an error.

Source: RFC 8949.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_DEPTH = 12
"""Of lists and maps in each other; a manifest of ours has six. Our choice."""

_SIMPLE: dict[int, bool | None] = {20: False, 21: True, 22: None}


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag that says what it means (RFC 8949, 3.4)."""

    tag: int
    value: Value


Value = None | bool | int | bytes | str | list["Value"] | dict[int | str, "Value"] | Tagged


def decode(content: bytes) -> Value:
    """Read one value, which has to be all of the bytes. Raises ValueError."""
    reader = _Reader(content)
    value = reader.value(0)
    if reader.at != len(content):
        raise ValueError("bytes after the end of a value")
    return value


def head(major: int, number: int) -> bytes:
    """The beginning of a value: its major type, and a number or a length in as few bytes as do."""
    if number < 24:
        return bytes([major << 5 | number])
    for width, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if number < 1 << 8 * width:
            return bytes([major << 5 | code]) + number.to_bytes(width, "big")
    raise ValueError(f"{number} has more than 64 bits")


def byte_string(content: bytes) -> bytes:
    """Bytes, written as CBOR."""
    return head(2, len(content)) + content


class _Reader:
    """A place in bytes, and what stands there."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} values in each other")
        first = self._take(1)[0]
        major, code = first >> 5, first & 31
        if major == 7:
            if code not in _SIMPLE:
                raise ValueError("a float, or a value that CBOR does not have")
            return _SIMPLE[code]
        number = self._number(code)
        if major in (0, 1):
            return number if major == 0 else -1 - number
        if major == 2:
            return self._take(number)
        if major == 3:
            return self._take(number).decode("utf-8")
        if major == 6:
            return Tagged(number, self.value(depth + 1))
        return self._list(number, depth) if major == 4 else self._map(number, depth)

    def _list(self, count: int, depth: int) -> Value:
        self._require(count)
        return [self.value(depth + 1) for _ in range(count)]

    def _map(self, count: int, depth: int) -> Value:
        self._require(2 * count)
        found: dict[int | str, Value] = {}
        for _ in range(count):
            key = self.value(depth + 1)
            if isinstance(key, bool) or not isinstance(key, (int, str)) or key in found:
                raise ValueError("a key that stands twice, or is no text and no number")
            found[key] = self.value(depth + 1)
        return found

    def _number(self, code: int) -> int:
        if code < 24:
            return code
        if code > 27:
            raise ValueError("a length without end, or one that CBOR does not have")
        return int.from_bytes(self._take(1 << code - 24), "big")

    def _require(self, count: int) -> None:
        """Each value has a byte at least: a count that cannot be true costs nothing."""
        if count > len(self._content) - self.at:
            raise ValueError("it breaks off")

    def _take(self, count: int) -> bytes:
        self._require(count)
        taken = self._content[self.at : self.at + count]
        self.at += count
        return taken
