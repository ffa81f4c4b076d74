"""Hands in a picture: palms by a detector, then the joints of each.

Flow      face.models -> face.hands -> face.networks
Reads     pixels
Gives     21 joints of each hand

Numbers are those of MediaPipe's `palm_detection_detection_to_roi` and `hand_landmark`.
"""

from __future__ import annotations

import math

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.anchors import PALMS, Find, finds
from portravox.face.networks import Region, run, squared, tensor_of, whole
from portravox.model_files import catalogue

PALM_SIDE_PX, HAND_SIDE_PX = 192, 224

LEAST_PALM_SCORE = 0.4
LEAST_HAND_SCORE = 0.5
"""That what looked like a palm is a hand; MediaPipe's default."""

MOST_HANDS = 4
JOINTS = 21

_WRIST, _MIDDLE_KNUCKLE = 0, 2
"""Keypoints of a palm; the hand stands upright when the second is above the first."""

_GROWTH = 2.6
"""Side of the region over that of the palm's box."""

_TOWARDS_FINGERS = 0.5
"""How far the region is moved along the hand, in palm sides."""

_SAME_PLACE = 0.5
"""Regions that share more of their union than this are one hand."""


def hands_in(pixels: UInt8) -> tuple[Float32, ...]:
    """Hands in a picture, each as (21, 2) px: wrist, then four joints from palm to tip of
    thumb, index, middle, ring and little finger.

    pixels   (H, W, 3) RGB
    """
    region = squared(whole(pixels))
    boxes, scores = run(catalogue.PALMS, tensor_of(pixels, region, PALM_SIDE_PX)[None])
    palms = finds(boxes[0], scores[0], PALMS, PALM_SIDE_PX, LEAST_PALM_SCORE)
    regions = _apart([_hand_region(palm, region) for palm in palms[:MOST_HANDS]])
    if not regions:
        return ()
    tensors = np.stack(
        [tensor_of(pixels, each, HAND_SIDE_PX, repeat_border=True) for each in regions]
    )
    joints, presence, *_ = run(catalogue.HAND, tensors)
    hands = []
    for each, flat, score in zip(regions, joints, presence[:, 0], strict=True):
        if score <= LEAST_HAND_SCORE:
            continue
        place = each.to_picture()
        shares = flat.reshape(JOINTS, 3)[:, :2].astype(np.float64) / HAND_SIDE_PX
        hands.append(np.asarray(shares @ place[:, :2].T + place[:, 2], np.float32))
    return tuple(hands)


def _hand_region(palm: Find, searched: Region) -> Region:
    """The square that a whole hand fills, upright along it, from its palm."""
    place = searched.to_picture()
    keypoints = palm.keypoints @ place[:, :2].T + place[:, 2]
    low, high = (palm.box.reshape(2, 2) @ place[:, :2].T + place[:, 2]).astype(np.float64)
    across, up = keypoints[_MIDDLE_KNUCKLE] - keypoints[_WRIST]
    rotation = math.remainder(math.pi / 2.0 - math.atan2(-up, across), 2.0 * math.pi)
    width, height = high - low
    shift = -_TOWARDS_FINGERS * height  # along the hand
    x, y = (low + high) / 2.0
    return Region(
        x=float(x - shift * math.sin(rotation)),
        y=float(y + shift * math.cos(rotation)),
        width=float(max(width, height) * _GROWTH),
        height=float(max(width, height) * _GROWTH),
        rotation_rad=rotation,
    )


def _apart(regions: list[Region]) -> list[Region]:
    """Of regions in one place the last; rotation does not count."""
    kept: list[Region] = []
    for region in regions:
        kept = [other for other in kept if _overlap(region, other) <= _SAME_PLACE]
        kept.append(region)
    return kept


def _overlap(a: Region, b: Region) -> float:
    """Shared area over that of the union."""
    width = min(a.x + a.width / 2, b.x + b.width / 2) - max(a.x - a.width / 2, b.x - b.width / 2)
    height = min(a.y + a.height / 2, b.y + b.height / 2) - max(
        a.y - a.height / 2, b.y - b.height / 2
    )
    if width <= 0.0 or height <= 0.0:
        return 0.0
    shared = width * height
    return shared / (a.width * a.height + b.width * b.height - shared)
