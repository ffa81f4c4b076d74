"""Things held before the chin, such as a microphone: what the jaw must not bend.

Flow      face.landmarks -> face.objects -> face.covering -> Face
Reads     pixels, landmarks
Gives     outlines, px

There is no network for things. But what stands before the chin comes from below and crosses the
line of the jaw: on both sides of that line it has one colour, which is not the skin's, while the
jaw to its left and right is skin. Beards end at that line or cover all of it; shadows fade.
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.landmarks import face_width_px
from portravox.segments import segments

_JAW = np.array([58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288])
_SKIN = np.array([50, 280, 205, 425, 4, 195, 9, 151, 108, 337, 117, 346, 101, 330])
_MOUTH_MIDDLE = np.array([13, 14])

_WORK_FACE_PX = 100.0
"""Width of the face in the reduced picture that is looked at."""

_INSIDE_FW, _OUTSIDE_FW = 0.08, 0.10
"""Colours are compared so far on both sides of the jaw's line."""

_LIGHTNESS = 0.6
"""Weight of lightness against colour in differences: faces are lit unevenly."""

_NOT_SKIN = 23.0
_LEAP = 14.0
_ALIKE = 8.0
_ONE_COLOUR = 13.0
"""Differences in CIE L*a*b*: from the skin, at both ends of the thing, across the jaw's line, and
within the thing. Measured at the jaw: skin, beards and shadows differ from the skin by 0 to 24
(a dark beard in shadow by 38, without a leap), discs of several colours pasted before eight chins
by 22 to 45 with leaps of 14 to 39."""

_MOST_POINTS = 7
"""Of the jaw's 15: what is wider covers the mouth, too."""

_LARGEST = 0.35
"""Of the lower face. More is a beard, or a shadow, after all."""


def objects_at_chin(pixels: UInt8, landmarks: Float32) -> tuple[Float32, ...]:
    """Outlines, (P, 2) px each, of things before the chin of a face in a picture, (H, W, 3)."""
    shrink = min(1.0, _WORK_FACE_PX / face_width_px(landmarks))
    small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.2)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 0] *= _LIGHTNESS
    points = landmarks[:, :2] * np.float32(shrink)
    width = face_width_px(landmarks) * shrink
    jaw = points[_JAW]
    outwards = jaw - points[_MOUTH_MIDDLE].mean(axis=0)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    inside = _colours(lab, jaw - outwards * _INSIDE_FW * width)
    outside = _colours(lab, jaw + outwards * _OUTSIDE_FW * width)
    from_skin = np.linalg.norm(inside - np.median(_colours(lab, points[_SKIN]), axis=0), axis=1)
    across = np.linalg.norm(inside - outside, axis=1)
    outlines = []
    for here in segments(from_skin > _NOT_SKIN):
        first, last = here.start, here.stop - 1
        if first == 0 or last == len(_JAW) - 1 or last - first >= _MOST_POINTS:
            continue
        beside = [from_skin[max(first - 2, 0) : first], from_skin[last + 1 : last + 3]]
        leaps = np.median(from_skin[here]) - np.array([skin.min() for skin in beside])
        if leaps.min() < _LEAP or np.median(across[here]) > _ALIKE:
            continue
        colour = np.median(np.concatenate([inside[here], outside[here]]), axis=0)
        seeds = jaw[here] - outwards[here] * _INSIDE_FW * width
        outlines += [o / shrink for o in _outlines(lab, colour, seeds, points, width)]
    return tuple(np.asarray(outline, np.float32) for outline in outlines)


def _colours(lab: Float32, points: Float32) -> Float32:
    """(n, 3) at the nearest pixels."""
    height, width = lab.shape[:2]
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, width - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, height - 1)
    return np.asarray(lab[y, x], np.float32)


def _outlines(
    lab: Float32, colour: Float32, seeds: Float32, points: Float32, face_width: float
) -> list[Float32]:
    """The thing of a colour that holds the seeds; nothing if it fills much of the lower face."""
    alike = (np.linalg.norm(lab - colour, axis=-1) < _ONE_COLOUR).astype(np.uint8)
    near = np.zeros_like(alike)
    chin = points[152]
    cv2.circle(
        near, (round(float(chin[0])), round(float(chin[1]))), int(0.6 * face_width), (1,), -1
    )
    _, pieces = cv2.connectedComponents(alike & near)
    x = np.clip(np.rint(seeds[:, 0]).astype(int), 0, alike.shape[1] - 1)
    y = np.clip(np.rint(seeds[:, 1]).astype(int), 0, alike.shape[0] - 1)
    held = [piece for piece in np.unique(pieces[y, x]).tolist() if piece]
    thing = np.isin(pieces, held).astype(np.uint8)
    lower_face = np.zeros_like(alike)
    outline = np.concatenate([points[_JAW], points[[454, 4, 234]]])
    cv2.fillPoly(lower_face, [np.rint(outline).astype(np.int32)], (1,))
    if not held or thing[lower_face > 0].mean() > _LARGEST:
        return []
    found, _ = cv2.findContours(thing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [contour[:, 0].astype(np.float32) for contour in found if len(contour) > 2]
