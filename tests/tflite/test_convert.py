"""Networks translated to ONNX compute what TensorFlow's definitions say."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from portravox.model_files import catalogue
from portravox.model_files.required import required
from portravox.tflite import convert
from portravox.tflite.convert import onnx_from_tflite
from portravox.tflite.flatbuffer import FormatError
from portravox.tflite.graph import Graph, Operator, Tensor


def computed(graph: Graph, monkeypatch: pytest.MonkeyPatch, *inputs: np.ndarray) -> list:
    monkeypatch.setattr(convert, "read_graph", lambda data: graph)
    model = onnx_from_tflite(b"", "test")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def graph_of(operator: str, options: dict, *tensors: Tensor) -> Graph:
    """One operator from all tensors but the last to the last; the first is the input."""
    last = len(tensors) - 1
    step = Operator(operator, tuple(range(last)), (last,), options)
    return Graph(tensors, (step,), (0,), (last,))


def place(*shape: int) -> Tensor:
    return Tensor("", shape, None)


def constant(value: np.ndarray) -> Tensor:
    return Tensor("", value.shape, value)


def convolved(picture, weights, stride, depthwise):
    """TensorFlow's convolution with SAME padding, one output at a time."""
    n, height, width, channels = picture.shape
    kernel_h, kernel_w = weights.shape[1:3]
    out_h, out_w = -(-height // stride), -(-width // stride)
    pad_h = max((out_h - 1) * stride + kernel_h - height, 0)
    pad_w = max((out_w - 1) * stride + kernel_w - width, 0)
    widths = ((0, 0), (pad_h // 2, pad_h - pad_h // 2), (pad_w // 2, pad_w - pad_w // 2), (0, 0))
    padded = np.pad(picture, widths)
    out = np.zeros((n, out_h, out_w, channels if depthwise else len(weights)))
    for y in range(out_h):
        for x in range(out_w):
            window = padded[
                :, y * stride : y * stride + kernel_h, x * stride : x * stride + kernel_w
            ]
            if depthwise:
                out[:, y, x] = (window * weights).sum(axis=(1, 2))
            else:
                out[:, y, x] = np.einsum("nhwc,ohwc->no", window, weights)
    return out


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(("size", "stride"), [(8, 1), (8, 2), (9, 2)])
def test_convolutions_pad_as_tensorflow_does(monkeypatch, depthwise, size, stride) -> None:
    random = np.random.default_rng(3)
    picture = random.normal(size=(2, size, size + 2, 4)).astype(np.float32)
    shape = (1, 3, 3, 4) if depthwise else (5, 3, 3, 4)
    weights = random.normal(size=shape).astype(np.float32)
    wanted = convolved(picture, weights, stride, depthwise)
    options = {
        "padding": "SAME",
        "strides": (stride,) * 2,
        "dilations": (1, 1),
        "activation": "RELU",
    }
    graph = graph_of(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        options,
        place(1, size, size + 2, 4),
        constant(weights),
        place(1, *wanted.shape[1:]),
    )
    (found,) = computed(graph, monkeypatch, picture)
    assert np.allclose(found, np.maximum(wanted, 0.0), atol=1e-4)


def test_a_reshape_keeps_tensorflows_order_of_numbers(monkeypatch) -> None:
    picture = np.arange(2 * 3 * 4 * 6, dtype=np.float32).reshape(2, 3, 4, 6)
    graph = graph_of("RESHAPE", {}, place(1, 3, 4, 6), place(1, 24, 3))
    (found,) = computed(graph, monkeypatch, picture)
    assert np.array_equal(found, picture.reshape(2, 24, 3))


def test_depth_becomes_space_in_tensorflows_order(monkeypatch) -> None:
    picture = np.arange(2 * 3 * 8, dtype=np.float32).reshape(1, 2, 3, 8)
    graph = graph_of("DEPTH_TO_SPACE", {"block_size": 2}, place(1, 2, 3, 8), place(1, 4, 6, 2))
    (found,) = computed(graph, monkeypatch, picture)
    wanted = picture.reshape(1, 2, 3, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(1, 4, 6, 2)
    assert np.array_equal(found, wanted)


def test_channels_are_padded_and_scaled_each_by_its_own(monkeypatch) -> None:
    picture = np.random.default_rng(4).normal(size=(1, 5, 6, 3)).astype(np.float32)
    slope = np.array([0.1, 0.5, 2.0], np.float32).reshape(1, 1, 3)
    graph = graph_of("PRELU", {}, place(1, 5, 6, 3), constant(slope), place(1, 5, 6, 3))
    (found,) = computed(graph, monkeypatch, picture)
    assert np.allclose(found, np.where(picture > 0, picture, picture * slope), atol=1e-6)
    widths = np.array([(0, 0), (1, 0), (0, 2), (0, 4)], np.int32)
    graph = graph_of("PAD", {}, place(1, 5, 6, 3), constant(widths), place(1, 6, 8, 7))
    (found,) = computed(graph, monkeypatch, picture)
    assert np.array_equal(found, np.pad(picture, widths))


def test_means_are_taken_over_rows_and_columns(monkeypatch) -> None:
    picture = np.random.default_rng(4).normal(size=(2, 5, 6, 3)).astype(np.float32)
    axes = constant(np.array([1, 2], np.int32))
    graph = graph_of("MEAN", {"keep_dims": False}, place(1, 5, 6, 3), axes, place(1, 3))
    (found,) = computed(graph, monkeypatch, picture)
    assert np.allclose(found, picture.mean(axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize(
    ("operator", "options"),
    [
        ("SOFTMAX", {}),
        ("MEAN", {"keep_dims": True}),
        ("STRIDED_SLICE", {"begin_mask": 1}),
    ],
)
def test_what_is_not_translated_is_refused_by_name(monkeypatch, operator, options) -> None:
    numbers = constant(np.array([3], np.int32))
    graph = graph_of(operator, options, place(1, 5, 6, 3), numbers, place(1, 5, 6, 3))
    monkeypatch.setattr(convert, "read_graph", lambda data: graph)
    with pytest.raises(FormatError, match="not translated"):
        onnx_from_tflite(b"", "test")


@pytest.mark.parametrize("file", catalogue.FACES.files, ids=lambda file: file.name)
def test_a_batch_gives_what_each_gives_alone(file) -> None:
    model = onnx_from_tflite(required(file.name).read_bytes(), file.name)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    _, *shape = session.get_inputs()[0].shape
    pictures = np.random.default_rng(8).random((3, *shape), np.float32)
    together = session.run(None, {"input_0": pictures})
    alone = session.run(None, {"input_0": pictures[1:2]})
    for many, one in zip(together, alone, strict=True):
        assert np.abs(many[1:2] - one).max() <= 1e-4 * max(1.0, float(np.abs(one).max()))
