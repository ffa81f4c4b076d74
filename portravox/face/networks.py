"""The networks that look at a picture, and how pixels become what they take.

Flow      face.models -> face.networks -> model_files, tflite, inference
Reads     TensorFlow Lite files
Gives     Network, and tensors cut from pictures

Networks load when first asked for and stay loaded. They keep no state: threads run them at the
same time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.inference import Network, open_network
from portravox.model_files.required import required
from portravox.system import usable_cores
from portravox.tflite.convert import onnx_from_tflite

_MOST_THREADS = 4
"""For one run: small networks gain nothing from more. Our choice."""

INPUT = "input_0"


@dataclass(frozen=True, slots=True)
class Region:
    """A place in a picture that a network looks at: a rectangle that may lean."""

    x: float
    """px, centre; pixels' edges lie at whole numbers"""

    y: float
    """px, centre"""

    width: float
    """px"""

    height: float
    """px"""

    rotation_rad: float = 0.0
    """Clockwise as seen in the picture."""

    def to_picture(self) -> Float64:
        """(2, 3) affine map from places in the region, 0..1 right and down, to px."""
        c, s = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        turn = np.array(
            [[self.width * c, -self.height * s], [self.width * s, self.height * c]], np.float64
        )
        return np.column_stack([turn, np.array([self.x, self.y]) - turn @ np.array([0.5, 0.5])])


def whole(pixels: UInt8) -> Region:
    """All of a picture."""
    height, width = pixels.shape[:2]
    return Region(width / 2.0, height / 2.0, float(width), float(height))


def squared(region: Region) -> Region:
    """The least square around a region, so that nothing is squeezed in a square tensor."""
    side = max(region.width, region.height)
    return Region(region.x, region.y, side, side, region.rotation_rad)


def tensor_of(
    pixels: UInt8,
    region: Region,
    side_px: int,
    low: float = 0.0,
    high: float = 1.0,
    *,
    repeat_border: bool = False,
) -> Float32:
    """A region of a picture as a network takes it.

    Bilinear and without averaging where it shrinks, as MediaPipe does: the networks were trained
    on pictures made so.

    pixels         (H, W, 3)
    low            what 0 becomes; 255 becomes high
    repeat_border  outside the picture its border pixels are repeated; otherwise all is black
    returns        (side_px, side_px, 3)
    """
    if pixels.shape[:2] == (side_px, side_px) and region == whole(pixels):
        crop = pixels
    else:
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
        place = region.to_picture()
        in_picture = corners @ place[:, :2].T + place[:, 2]
        # A perspective map, though an affine one would do: OpenCV rounds the two differently, and
        # the networks' makers used this one.
        way = cv2.getPerspectiveTransform(
            in_picture.astype(np.float32), (corners * side_px).astype(np.float32)
        )
        border = cv2.BORDER_REPLICATE if repeat_border else cv2.BORDER_CONSTANT
        crop = np.asarray(
            cv2.warpPerspective(
                pixels, way, (side_px, side_px), flags=cv2.INTER_LINEAR, borderMode=border
            ),
            np.uint8,
        )
    scale = np.float32((high - low) / 255.0)
    return crop.astype(np.float32) * scale + np.float32(low)


def run(file_name: str, tensors: Float32) -> list[Float32]:
    """A network's outputs, in its file's order.

    tensors  (N, side, side, 3)
    """
    network = _network(file_name)
    answers = network.run(**{INPUT: tensors})
    return [np.asarray(answers[f"output_{n}"], np.float32) for n in range(len(answers))]


@lru_cache(maxsize=16)
def _network(file_name: str) -> Network:
    threads = min(usable_cores(), _MOST_THREADS)
    return open_network(required(file_name), threads, read=partial(_as_onnx, name=file_name))


def _as_onnx(path: Path, name: str) -> bytes:
    return onnx_from_tflite(path.read_bytes(), name)
