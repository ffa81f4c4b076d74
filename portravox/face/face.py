"""The face in a picture: what the rig and the verdict are built from.

Flow      media.picture -> face.landmarks, face.lips, face.matte -> Face -> rig.fit
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portravox.arrays import Float32


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; x right, y down; x1 and y1 lie just outside."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where the head in the photograph points; all 0 when it faces the camera upright."""

    yaw_deg: float
    """Positive: the nose points to the right of the picture."""

    pitch_deg: float
    """Positive: the nose points up."""

    roll_deg: float
    """Positive: the head leans clockwise as seen in the picture."""


class LipState(StrEnum):
    """What the mouth in the photograph does, judged from its pixels."""

    CLOSED = "closed"
    """Lips touch along the whole line."""

    PARTED = "parted"
    """A small dark gap, or a sliver of teeth."""

    TEETH = "teeth"
    """A smile with teeth between the lips."""

    OPEN = "open"
    """Open on a dark mouth, as in speech."""


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """The mouth in the photograph, read from the pixels, not only from the landmarks."""

    state: LipState

    upper_inner: Float32
    """(11, 2) px: inner edge of the upper lip from the picture's left corner to the right one,
    at the landmarks 78 191 80 81 82 13 312 311 310 415 308. Equals lower_inner when closed."""

    lower_inner: Float32
    """(11, 2) px: the same of the lower lip, landmarks 78 95 88 178 87 14 317 402 318 324 308."""

    teeth_share: float
    """0..1: how much of the opening shows teeth."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face with everything measured on it."""

    landmarks: Float32
    """(478, 3) px of MediaPipe's face mesh, irises last; x right, y down, z away from the
    camera, in the same unit as x."""

    box: Box
    """Around the landmarks."""

    pose: HeadPose

    axes: Float32
    """(3, 3): columns are the head's own right, down and back directions in picture axes."""

    lips: Lips

    width_px: float
    """Distance between the landmarks 234 and 454 (3-D, so that a turn doesn't shrink it)."""

    glasses: bool = False
    """Whether the person wears glasses."""

    hands: tuple[Float32, ...] = ()
    """(21, 2) px each of hands that touch the face: wrist, then four joints from palm to tip of
    thumb, index, middle, ring and little finger."""

    objects: tuple[Float32, ...] = ()
    """(P, 2) px each: outlines of other things before the chin."""
