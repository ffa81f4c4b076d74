"""Options of custom operators are read as their own library wrote them."""

from __future__ import annotations

import numpy as np
import pytest
from flatbuffers import flexbuffers  # comes along with onnxruntime

from portravox.tflite.flatbuffer import FormatError
from portravox.tflite.flexbuffer import read_flexbuffer

OPTIONS = {
    "output_width": 16,
    "scale_x": 1.5,
    "target": -0.25,
    "subset": [61, 146, 91, 181, 300],
    "pairs": [[1, 2], [3, 4]],
    "name": "lips",
    "far": 70_000,
    "negative": -3,
    "flag": True,
    "nothing": [],
}


def test_what_was_written_is_read() -> None:
    assert read_flexbuffer(bytes(flexbuffers.Dumps(OPTIONS))) == OPTIONS


@pytest.mark.parametrize("value", [0, -1, 2**40, 0.1, "text", [1.5, 2.5], {"a": {"b": [1]}}])
def test_single_values_too(value: object) -> None:
    assert read_flexbuffer(bytes(flexbuffers.Dumps(value))) == value


def test_damaged_bytes_give_our_error_and_nothing_else() -> None:
    whole = bytes(flexbuffers.Dumps(OPTIONS))
    random = np.random.default_rng(5)
    refused = 0
    for _ in range(2000):
        broken = bytearray(whole)
        for place in random.integers(0, len(broken), 3):
            broken[place] = random.integers(0, 256)
        try:
            read_flexbuffer(bytes(broken[: random.integers(0, len(broken) + 1)]))
        except FormatError:
            refused += 1
    assert refused > 500
