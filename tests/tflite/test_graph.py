"""What a TensorFlow Lite file holds, and that damage in it is found."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.model_files import catalogue
from portravox.model_files.required import required
from portravox.tflite.convert import onnx_from_tflite
from portravox.tflite.flatbuffer import FormatError
from portravox.tflite.graph import read_graph


@pytest.mark.parametrize(
    ("name", "taken", "given"),
    [
        (catalogue.FACE_NEAR, (1, 128, 128, 3), [(1, 896, 16), (1, 896, 1)]),
        (catalogue.FACE_FAR, (1, 192, 192, 3), [(1, 2304, 16), (1, 2304, 1)]),
        (catalogue.PERSON_MASK, (1, 256, 256, 3), [(1, 256, 256, 1)]),
        (catalogue.PALMS, (1, 192, 192, 3), [(1, 2016, 18), (1, 2016, 1)]),
        (catalogue.HAND, (1, 224, 224, 3), [(1, 63), (1, 1), (1, 1), (1, 63)]),
    ],
)
def test_what_networks_take_and_give(name, taken, given) -> None:
    graph = read_graph(required(name).read_bytes())
    assert [graph.tensors[n].shape for n in graph.inputs] == [taken]
    assert [graph.tensors[n].shape for n in graph.outputs] == given


def test_sparse_weights_are_spread_out() -> None:
    graph = read_graph(required(catalogue.FACE_FAR).read_bytes())
    sparse = [operator for operator in graph.operators if operator.name == "DENSIFY"]
    assert len(sparse) == 46
    for operator in sparse:
        weights = graph.tensors[operator.inputs[0]]
        assert weights.value is not None
        assert weights.value.shape == weights.shape
        empty = float((weights.value == 0).mean())
        assert 0.3 < empty < 0.95  # more than half of them were left out of the file


def test_every_operator_reads_what_was_made_before() -> None:
    graph = read_graph(required(catalogue.FACE_MESH).read_bytes())
    made = {
        *graph.inputs,
        *(n for n, tensor in enumerate(graph.tensors) if tensor.value is not None),
    }
    for operator in graph.operators:
        assert {n for n in operator.inputs if n >= 0} <= made
        made.update(operator.outputs)
    assert set(graph.outputs) <= made


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, b"\x10\0\0\0TFL3" + b"\xff" * 64])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_graph(content)


def test_damaged_files_give_our_error_and_nothing_else() -> None:
    whole = required(catalogue.FACE_NEAR).read_bytes()
    random = np.random.default_rng(6)
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        # the structure lies at the file's end, the weights before it
        for place in random.integers(len(broken) - 20_000, len(broken), 20):
            broken[place] = random.integers(0, 256)
        try:
            onnx_from_tflite(bytes(broken), "broken")
        except FormatError:
            refused += 1
    assert refused > 30
    for share in (0.2, 0.9, 0.999):
        with pytest.raises(FormatError):
            onnx_from_tflite(whole[: int(share * len(whole))], "cut off")
