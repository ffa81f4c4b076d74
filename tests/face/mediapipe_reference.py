"""MediaPipe 0.10.21 itself, as plain functions on arrays: what the product's networks must equal.

Only tests/face/test_equality.py imports this, where mediapipe is installed (Python 3.11 and 3.12;
requirements/lock-reference.txt). Its package __init__ is stepped over, because that pulls in a
plotting library and JAX.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.errors import ModelUnavailable
from portravox.face.face import Box
from portravox.face.models import Detection

MESH_CROP_PX = 192
"""Side of the square the mesh network takes; its makers' choice."""

MESH_POINTS = 478

_LOCK = threading.RLock()  # the graphs keep state while they run

_MESH_GRAPH = """
input_stream: "IMAGE:image"
output_stream: "SCORE:score"
output_stream: "LANDMARKS:landmarks"
node {
  calculator: "ImageToTensorCalculator"
  input_stream: "IMAGE:image"
  output_stream: "TENSORS:input"
  options { [mediapipe.ImageToTensorCalculatorOptions.ext] {
    output_tensor_width: 192 output_tensor_height: 192
    output_tensor_float_range { min: 0.0 max: 1.0 }
  } }
}
node {
  calculator: "TfLiteCustomOpResolverCalculator"
  output_side_packet: "OP_RESOLVER:resolver"
}
node {
  calculator: "InferenceCalculatorCpu"
  input_stream: "TENSORS:input"
  output_stream: "TENSORS:output"
  input_side_packet: "OP_RESOLVER:resolver"
  options { [mediapipe.InferenceCalculatorOptions.ext] {
    model_path: "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite"
    delegate { xnnpack {} }
  } }
}
node {
  calculator: "SplitTensorVectorCalculator"
  input_stream: "output"
  output_stream: "points"
  output_stream: "flag"
  options { [mediapipe.SplitVectorCalculatorOptions.ext] {
    ranges { begin: 0 end: 6 } ranges { begin: 6 end: 7 }
  } }
}
node {
  calculator: "TensorsToFloatsCalculator"
  input_stream: "TENSORS:flag"
  output_stream: "FLOAT:score"
  options { [mediapipe.TensorsToFloatsCalculatorOptions.ext] { activation: SIGMOID } }
}
node {
  calculator: "TensorsToFaceLandmarksWithAttention"
  input_stream: "TENSORS:points"
  output_stream: "LANDMARKS:landmarks"
}
"""
"""Mesh network without MediaPipe's own face search and without its gate on the score: we place
the crops ourselves (tilted, jittered) and want to know how sure the network is."""


_OPTIONS = (
    "core.constant_side_packet",
    "core.gate",
    "core.split_vector",
    "tensor.image_to_tensor",
    "tensor.inference",
    "tensor.tensors_to_classification",
    "tensor.tensors_to_detections",
    "tensor.tensors_to_floats",
    "tensor.tensors_to_landmarks",
    "tensor.tensors_to_segmentation",
    "tflite.ssd_anchors",
    "util.association",
    "util.detections_to_rects",
    "util.landmarks_refinement",
    "util.non_max_suppression",
    "util.rect_transformation",
    "util.thresholding",
)
"""Kinds of options in the graphs. One that is not imported is dropped without a word: the
detector then reports each face twenty times."""


def detect_faces(pixels: UInt8, *, far: bool) -> tuple[Detection, ...]:
    """As `models.detect_faces`; MediaPipe keeps its own thresholds, whatever it is told."""
    height, width = pixels.shape[:2]
    with _LOCK:
        answer = _detector(far).process(np.ascontiguousarray(pixels))
    found = []
    for one in answer.detections or ():
        place = one.location_data.relative_bounding_box
        points = [(p.x, p.y) for p in one.location_data.relative_keypoints]
        box = Box(
            place.xmin * width,
            place.ymin * height,
            (place.xmin + place.width) * width,
            (place.ymin + place.height) * height,
        )
        keypoints = np.array(points, np.float32) * np.array([width, height], np.float32)
        found.append(Detection(box, float(one.score[0]), keypoints))
    return tuple(found)


def fit_mesh(crop: UInt8) -> tuple[Float32, float]:
    """Face mesh of the one face that fills about two thirds of an upright crop.

    crop     (192, 192, 3) RGB
    returns  (478, 3) px of the crop, z in the same unit, irises last; and 0..1, how much the
             network believes that this is a face
    """
    assert crop.shape == (MESH_CROP_PX, MESH_CROP_PX, 3)
    with _LOCK:
        answer = _mesh().process(np.ascontiguousarray(crop))
    points = [(p.x, p.y, p.z) for p in answer.landmarks.landmark]
    return np.array(points, np.float32) * np.float32(MESH_CROP_PX), float(answer.score)


def segment_person(pixels: UInt8) -> Float32:
    """Where the person is: (H, W) 0..1, hair and body included.

    pixels   (H, W, 3) RGB, head and shoulders; scaled to 256 px inside
    """
    with _LOCK:
        answer = _segmenter().process(np.ascontiguousarray(pixels))
        mask: Float32 = np.array(answer.segmentation_mask, np.float32)
    return mask


def tessellation_edges() -> frozenset[tuple[int, int]]:
    """Pairs of the 468 landmarks that the face mesh joins by an edge, smaller number first."""
    with _quiet():
        table = _load("python.solutions.face_mesh_connections").FACEMESH_TESSELATION
    return frozenset((min(a, b), max(a, b)) for a, b in table)


def find_hands(pixels: UInt8) -> tuple[Float32, ...]:
    """Hands in a picture, each as (21, 2) px: wrist, then four joints from palm to tip of
    thumb, index, middle, ring and little finger.

    pixels   (H, W, 3) RGB
    """
    height, width = pixels.shape[:2]
    with _LOCK, _quiet():  # the first hand found makes the C++ side write a warning
        answer = _hands().process(np.ascontiguousarray(pixels))
    found = []
    for hand in answer.multi_hand_landmarks or ():
        points = np.array([(p.x, p.y) for p in hand.landmark], np.float32)
        found.append(points * np.array([width, height], np.float32))
    return tuple(found)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the C++ side writes out of the caller's terminal."""
    try:
        kept = os.dup(2)
    except OSError:  # a service without a standard error stream
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _load(name: str) -> Any:
    """A module of MediaPipe, its package __init__ files stepped over."""
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or spec.submodule_search_locations is None:
        raise ModelUnavailable("mediapipe is not installed; wanted mediapipe 0.10.21")
    root = list(spec.submodule_search_locations)
    try:
        if "mediapipe" not in sys.modules:
            package = types.ModuleType("mediapipe")
            package.__path__ = root
            package.__spec__ = spec
            sys.modules["mediapipe"] = package
        importlib.import_module("mediapipe.python.solution_base")
        for options in _OPTIONS:
            importlib.import_module(f"mediapipe.calculators.{options}_calculator_pb2")
        if "mediapipe.python.solutions" not in sys.modules:
            solutions = types.ModuleType("mediapipe.python.solutions")
            solutions.__path__ = [f"{folder}/python/solutions" for folder in root]
            sys.modules["mediapipe.python.solutions"] = solutions
        return importlib.import_module(f"mediapipe.{name}")
    except (ImportError, OSError) as problem:
        raise ModelUnavailable(
            f"mediapipe does not load ({problem}); wanted mediapipe 0.10.21"
        ) from problem


def _started(solution: Any) -> Any:
    """Run once on an empty picture: the C++ side logs on its first run too."""
    solution.process(np.zeros((MESH_CROP_PX, MESH_CROP_PX, 3), np.uint8))
    return solution


def _open(module: str, build: Any) -> Any:
    """Load a module and build a network from it, quietly; failures become ModelUnavailable."""
    with _quiet():
        loaded = _load(module)
        try:
            return _started(build(loaded))
        except (RuntimeError, ValueError, OSError) as problem:
            raise ModelUnavailable(f"mediapipe's {module} does not start: {problem}") from problem


@lru_cache(maxsize=8)
def _detector(far: bool) -> Any:
    return _open(
        "python.solutions.face_detection",
        lambda module: module.FaceDetection(model_selection=int(far)),
    )


@lru_cache(maxsize=1)
def _segmenter() -> Any:
    return _open(
        "python.solutions.selfie_segmentation",
        lambda module: module.SelfieSegmentation(model_selection=0),
    )


@lru_cache(maxsize=1)
def _hands() -> Any:
    return _open(
        "python.solutions.hands",
        lambda module: module.Hands(
            static_image_mode=True,
            max_num_hands=4,
            model_complexity=0,  # the small network: whether there is a hand, not its gesture
            min_detection_confidence=0.4,
        ),
    )


@lru_cache(maxsize=1)
def _mesh() -> Any:
    def build(solution_base: Any) -> Any:
        text_format = importlib.import_module("google.protobuf.text_format")
        config = _load("framework.calculator_pb2").CalculatorGraphConfig()
        return solution_base.SolutionBase(graph_config=text_format.Parse(_MESH_GRAPH, config))

    return _open("python.solution_base", build)
