"""Controls to keypoints: what moves in the face, in the terms of the networks.

Flow      animation.controls -> driving -> stitch, warp

Offsets are added to the expression of the portrait; `kp 19.y` is the y of keypoint 19. Their
meanings were found by the authors of the public LivePortrait editors; how far an opening of the
lips or a closure of the eyes goes was measured on 633 frames of real faces. Nothing outside lips,
eyes and brows is moved: that would set neck and background afloat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.controls import ControlTrack
from portravox.arrays import AnyFloat, Float32, Float64
from portravox.engines.neural.keypoints import KEYPOINTS, HeadShape, keypoints_of

LIPS = (6, 12, 14, 17, 19, 20)
EYES = (11, 13, 15, 16, 18)
BROWS = (1, 2)
"""Keypoints by what they move."""

Offsets = dict[tuple[int, str], float]

WIDE: Offsets = {(20, "z"): -0.015, (20, "y"): -0.015, (14, "y"): -0.015}
"""At lip_wide 1: the editors' "eee" at 15, the end of its range."""

ROUND: Offsets = {(14, "y"): 0.015, (17, "z"): -0.0075}
"""At lip_round 1: "woo" at 15, less its cheeks (3, 7)."""

SMILE: Offsets = {(20, "y"): -0.01, (14, "y"): -0.02, (17, "y"): 0.0065, (17, "z"): 0.003}
"""At smile 1, less its cheeks (3, 7) and lower lids (13, 16), which SQUINT has."""

SQUINT: Offsets = {(13, "y"): -0.00275, (16, "y"): -0.00275}
"""At squint 1: the lower lids of the editors' smile."""

BROW_UP: Offsets = {(1, "y"): 0.01, (2, "y"): -0.01}
"""At brow_raise 1: "eyebrow" at 10, a third of its range. Our choice."""

BROW_DOWN: Offsets = {(1, "x"): 0.01, (2, "x"): -0.01, (1, "y"): -0.003, (2, "y"): 0.003}
"""At brow_lower 1: "eyebrow" at −10."""

BROW_INNER: Offsets = {(1, "x"): 0.007, (2, "x"): -0.007, (1, "y"): 0.006, (2, "y"): -0.006}
"""At brow_inner 1: drawn together as in BROW_DOWN, and up as in BROW_UP: there is a keypoint for a
brow and none for its inner end. Our choice."""

CORNER_DROP: Offsets = {(20, "y"): 0.004, (14, "y"): 0.008, (17, "y"): -0.0026}
"""At corner_drop 1: SMILE turned round, within what the editors allow. Our choice."""

BLINK_LOWER, BLINK_BROW = -0.3, 0.25
"""Of the upper lid's way: what the lower lid (13, 16) and the brows (1, −2) do along, as in the
editors' blink."""

EYE_WIDE = -0.004
"""kp 11.y and 15.y at eye_wide 1: the editors' blink at 4 of 5."""

GAZE_NEAR, GAZE_FAR, GAZE_UP = 0.0007, 0.001, -0.001
"""A degree to the side moves 11.x and 15.x by these, the eye ahead by the second one; a degree up
moves their y by the third."""

LIP_RATIOS = (0.0, 0.07, 0.35, 0.60)
LIP_OFFSETS = (0.0, 0.018, 0.053, 0.074)
"""kp 19.y at these openings, in widths of the mouth."""

CHIN_PER_RATIO = -0.012
DEPTH_OF_OPENING = 0.1
"""kp 17.y an opening of 1, and kp 19.z over 19.y."""

PRESS = -0.003
"""kp 19.y at lip_press 1: a little less than closed, so that they meet for sure. Our choice."""

SHUT_EYE, OPEN_EYE = 0.0135, 0.35
"""kp 11.y or 15.y that shuts an eye of this ratio (0.010 to 0.015 in two recorded closures)."""

SHUT_RANGE = (0.006, 0.020)
"""Least and most of it, for narrow and wide eyes: the end is that of the editors' blink."""

LARGEST_EXPRESSION = 0.08
"""|offset| stays below this in all real faces; ours are limited to it."""

_AXES = {"x": 0, "y": 1, "z": 2}
_LEFT_RIGHT_EYES = ((11, 13), (15, 16))
"""Upper and lower lid of the two eyes; which is on the left, the portrait's keypoints tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortraitMeasures:
    """What of the photograph decides how far something has to go."""

    lip_ratio: float
    """0 is closed; see crop.lip_ratio."""

    eye_ratios: tuple[float, float]
    """Of the eyes on the left and on the right of the picture."""

    face_width: float
    """In the model's unit."""

    angle_rad: float = 0.0
    """By which the crop is turned against the picture."""

    closed_first: bool = False
    """Whether the lips are closed by the retargeting network before they are opened."""


def driven_keypoints(head: HeadShape, track: ControlTrack, portrait: PortraitMeasures) -> Float32:
    """(T, 21, 3) keypoints of every frame, before they are stitched.

    Where all controls are 0 they are exactly the portrait's own.
    """
    offsets = np.clip(
        expression_offsets(head, track, portrait), -LARGEST_EXPRESSION, LARGEST_EXPRESSION
    )
    turn = np.stack(
        [-track["head_pitch_deg"], -track["head_yaw_deg"], track["head_roll_deg"]], axis=1
    )
    in_picture = np.stack([track["head_shift_x"], -track["head_shift_y"]], axis=1)
    cos, sin = np.cos(portrait.angle_rad), np.sin(portrait.angle_rad)
    shift = portrait.face_width * (in_picture @ np.array([[cos, -sin], [sin, cos]]))
    return keypoints_of(head, head.angles_deg + turn, head.expression + offsets, shift)


def expression_offsets(head: HeadShape, track: ControlTrack, portrait: PortraitMeasures) -> Float64:
    """(T, 21, 3) what is added to the portrait's expression."""
    out = np.zeros((len(track), KEYPOINTS, 3))
    _add_lips(out, track, portrait)
    _add_eyes(out, head, track, portrait)
    _add(out, BROW_UP, track["brow_raise"])
    _add(out, BROW_DOWN, track["brow_lower"])
    _add(out, BROW_INNER, track["brow_inner"])
    return out


def opening_offset(ratio: AnyFloat) -> Float64:
    """kp 19.y at an opening of the lips, against lips that are closed; on from the last one."""
    wide = np.asarray(ratio, np.float64)
    slope = (LIP_OFFSETS[-1] - LIP_OFFSETS[-2]) / (LIP_RATIOS[-1] - LIP_RATIOS[-2])
    beyond = np.maximum(wide - LIP_RATIOS[-1], 0.0)
    return np.asarray(np.interp(wide, LIP_RATIOS, LIP_OFFSETS) + slope * beyond, np.float64)


def gaze_offsets(right_deg: AnyFloat, up_deg: AnyFloat) -> Float64:
    """(T, 21, 3) of eyes that look so many degrees to the right of the picture and up."""
    right, up = np.asarray(right_deg, np.float64), np.asarray(up_deg, np.float64)
    out = np.zeros((len(right), KEYPOINTS, 3))
    out[:, 11, 0] = right * np.where(right > 0.0, GAZE_NEAR, GAZE_FAR)
    out[:, 15, 0] = right * np.where(right > 0.0, GAZE_FAR, GAZE_NEAR)
    out[:, 11, 1] = out[:, 15, 1] = up * GAZE_UP
    return out


def shutting_offset(eye_ratio: float) -> float:
    """kp 11.y or 15.y that shuts an eye as open as this."""
    low, high = SHUT_RANGE
    return float(np.clip(SHUT_EYE * eye_ratio / OPEN_EYE, low, high))


def _add_lips(out: Float64, track: ControlTrack, portrait: PortraitMeasures) -> None:
    speech = track["speech"].astype(np.float64)
    rest = 0.0 if portrait.closed_first else portrait.lip_ratio
    gap = track["lip_gap"].astype(np.float64)
    opened = speech * (opening_offset(gap) - opening_offset(np.array(rest)))
    out[:, 19, 1] += opened + speech * PRESS * track["lip_press"]
    out[:, 19, 2] += DEPTH_OF_OPENING * opened
    out[:, 17, 1] += CHIN_PER_RATIO * speech * (gap - rest)
    _add(out, WIDE, speech * track["lip_wide"])
    _add(out, ROUND, speech * track["lip_round"])
    _add(out, SMILE, track["smile"])
    _add(out, CORNER_DROP, track["corner_drop"])


def _add_eyes(
    out: Float64, head: HeadShape, track: ControlTrack, portrait: PortraitMeasures
) -> None:
    at = head.keypoints
    eyes = sorted(_LEFT_RIGHT_EYES, key=lambda eye: float(at[eye[0], 0]))
    shut = ("blink_left", "blink_right")
    for (upper, lower), name, ratio in zip(eyes, shut, portrait.eye_ratios, strict=True):
        way = track[name].astype(np.float64) * shutting_offset(ratio)
        out[:, upper, 1] += way + EYE_WIDE * track["eye_wide"]
        out[:, lower, 1] += BLINK_LOWER * way
        out[:, 1, 1] += BLINK_BROW / 2.0 * way
        out[:, 2, 1] -= BLINK_BROW / 2.0 * way
    _add(out, SQUINT, track["squint"])
    out += gaze_offsets(track["gaze_yaw_deg"], track["gaze_pitch_deg"])


def _add(out: Float64, offsets: Offsets, strength: AnyFloat) -> None:
    for (keypoint, axis), amount in offsets.items():
        out[:, keypoint, _AXES[axis]] += amount * np.asarray(strength, np.float64)
