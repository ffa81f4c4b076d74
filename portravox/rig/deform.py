"""Moves the mesh: one row of controls in, vertex positions out.

Flow      animation.controls -> rig.deform -> render
Reads     Rig, one row of a ControlTrack
Gives     PosedMesh: vertices in pixels, and the same motion for points that hang on skull or jaw
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from portravox.animation.controls import CONTROLS
from portravox.arrays import Float32, Float64
from portravox.ramps import smooth_share, soft_limit
from portravox.rig.fit import CAMERA_DISTANCE_FW, Rig
from portravox.rig.kernels import bend, turn_head
from portravox.rig.shading import shade_factors
from portravox.rig.shapes import JAW_DEG, MOUTH_CORNERS, SHAPES, jaw_displacement
from portravox.rig.topology import strip_positions

UPPER_SHARE = 0.22
UPPER_SHARE_SPREAD = 0.55
UPPER_SHARE_ROUND = 0.32
UPPER_SHARE_TEETH = 0.85
"""Of the opening, the upper lip does this much: in an open vowel, in spread sounds (i, s, e), which
show the upper teeth, in rounded ones, and where the lower lip is at the teeth. Our choice."""

BITE_GAP_MM = 4.2
"""Lips with the lower one at the teeth are at least so far apart: so much of the upper incisors is
seen above it. Our choice; 2 mm looked like lips that hardly part."""

BITE_FROM_MM = 1.5
"""... from this opening on; below, they are about to shut. Our choice."""

UPPER_LIFT_MM = (2.8, 4.5)
"""It rises no further than this in open and in spread sounds. Our choice."""

EYE_WIDE = 0.2
"""Share of a blink by which the upper lids rise at eye_wide = 1. Our choice."""

LID_FOLLOW_DOWN = 0.022
LID_FOLLOW_UP = 0.018
"""Share of a blink that the lids close (open) per degree that the eye looks down (up). The upper
lid lies on the eyeball and goes along with it: 0.21 mm a degree, at a radius of 12 mm; open lids
are 9.6 mm apart."""

YAW_LIMIT_DEG = 12.0
PITCH_LIMIT_DEG = 8.0
ROLL_LIMIT_DEG = 8.0
"""What a single photograph bears before its missing sides show (feasibility study, section 3)."""

BREATH_FW = 0.004
"""Rise of the head at breath = 1, in face widths. Our choice."""


CHEST_FW = 0.009
"""Rise of the shoulders at breath = 1: 1.3 mm, in quiet breathing. Our choice."""

TOUCHING_MM = (0.4, 1.2)
"""Lips of a photograph that are less apart than the first touch, from the second on they do not, as
far as pressing them goes. Our choice."""

_MUSCLES = (
    "smile",
    "smile_skew",
    "brow_raise",
    "brow_lower",
    "brow_skew",
    "squint",
    "corner_drop",
    "brow_inner",
)
"""Shapes that are as much there as the controls of their names say."""

CORNER_DRAWN_IN_MM = (1.0, 4.5)
"""Drawn inwards so far, a corner of the mouth begins to use up the line in which the lips end, and
has used it up. Our choice, by eye."""

_STRAIGHT = np.eye(3)


@dataclass(frozen=True)
class PosedMesh:
    """One frame's mesh."""

    rig: Rig

    vertices: Float32
    """(V + S, 3) px: the fine mesh, then the strips that close its holes."""

    shade: Float32
    """(V,) what the folds and bulges of this pose multiply the brightness by; 1 at rest."""

    rotation: Float64
    """(3, 3) of the head against the photograph, in picture axes."""

    shift: Float64
    """(3,) px."""

    body_shift: Float32
    """(2,) px that the shoulders go to the right and down; see `rig.body`."""

    hair_shift: Float32
    """(2,) px that hanging hair goes to the right and down beside that; see `rig.hair`."""

    jaw_deg: float
    speech: float
    lip_press: float
    tongue_up: float

    corners_in: tuple[float, float]
    """0..1 how far the corners of the mouth, on the picture's left and right, have used up the
    line in which the photographed lips end."""

    gaze_deg: tuple[float, float]
    """Yaw and pitch of the eyes in the head."""

    blink: tuple[float, float]
    """Of the eye on the picture's left and right, 1 is shut; what follows the gaze included."""

    def on_skull(self, points: Float64) -> Float64:
        """(..., 3) px as photographed -> px now, for points that move with the head alone."""
        return _turn(points, self.rig, self.rotation, self.shift)

    def on_jaw(self, points: Float64) -> Float64:
        """(..., 3) the same for points that hang on the lower jaw."""
        rig = self.rig
        in_head = rig.to_head_mm(points)
        dropped = in_head + jaw_displacement(in_head, rig.hinge_mm, self.jaw_deg)
        return self.on_skull(rig.to_picture(dropped))

    squint: float

    @property
    def eyes_act(self) -> bool:
        """Whether lids or gaze are elsewhere than in the photograph. The mesh holds neither."""
        return self.gaze_deg != (0.0, 0.0) or self.blink != (0.0, 0.0) or self.squint != 0.0

    @cached_property
    def mouth_edges(self) -> tuple[Float32, Float32]:
        """(M, 2) px each: the upper and the lower inner edge of the lips."""
        upper, lower = self.rig.mesh.mouth
        return self.vertices[upper, :2], self.vertices[lower, :2]


class Deformer:
    """Turns controls into vertices for one rig."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._shapes = rig.shapes.reshape(len(SHAPES), -1)
        upper, lower = rig.mesh.mouth
        middle = len(upper) // 2
        down = rig.axes[:, 1]
        u, low = upper[middle], lower[middle]
        px = rig.px_per_mm
        self._rest_gap_mm = float((rig.rest[low] - rig.rest[u]) @ down) / px
        self._touching = 1.0 - smooth_share(*TOUCHING_MM, self._rest_gap_mm)
        self._gap_mm = ((rig.shapes[:, low] - rig.shapes[:, u]) @ down / px).astype(np.float64)
        self._rise_mm = (-rig.shapes[:, u] @ down / px).astype(np.float64)
        self._mouth_width_mm = settled_width_mm(rig)
        # (2, S) mm that each shape draws the corners inwards, left and right
        across = rig.shapes[:, MOUTH_CORNERS] @ rig.axes[:, 0] / px
        self._drawn_in_mm = (across * np.array([1.0, -1.0])).T.astype(np.float64)
        self._rest_overlap = np.minimum((rig.rest[lower] - rig.rest[upper]) @ down, 0.0)
        self._yaw_limit = max(4.0, YAW_LIMIT_DEG - 0.5 * abs(rig.face.pose.yaw_deg))

    def deform(self, controls: Float32) -> PosedMesh:
        """One row of a ControlTrack, (C,) -> the mesh of that frame."""
        rig = self._rig
        c = dict(zip(CONTROLS, controls.tolist(), strict=True))
        weights = self._shape_weights(c)
        skin = np.empty_like(rig.rest)
        bend(rig.rest.reshape(-1), self._shapes, weights, skin.reshape(-1))
        self._keep_lips_apart(skin)
        shares = (rig.head_share * rig.border_shares).tolist()
        rotation = head_rotation(
            shares[0] * _limited(c["head_yaw_deg"], self._yaw_limit),
            shares[1] * _limited(c["head_pitch_deg"], PITCH_LIMIT_DEG),
            shares[2] * _limited(c["head_roll_deg"], ROLL_LIMIT_DEG),
        )
        rise = c["head_shift_y"] + BREATH_FW * c["breath"]
        shift = np.array([shares[3] * c["head_shift_x"], -shares[4] * rise, 0.0]) * rig.width_px
        body_shift = self._shift_px(c["body_x"], c["body_y"] + CHEST_FW * c["breath"])
        hair_shift = self._shift_px(c["hair_x"] * shares[3], c["hair_y"] * shares[4])
        carried = np.any(body_shift) or np.any(hair_shift)
        if np.any(rotation != _STRAIGHT) or np.any(shift) or carried:
            turn_head(
                skin, rig.rigid, rig.pivot, rotation.astype(np.float32), shift.astype(np.float32),
                CAMERA_DISTANCE_FW * rig.width_px, rig.body_share, body_shift,
                rig.hair_share, hair_shift,
            )  # fmt: skip
        return PosedMesh(
            rig=rig,
            vertices=strip_positions(skin, rig.mesh, behind=0.004 * rig.width_px),
            shade=shade_factors(rig.shading, weights),
            rotation=rotation,
            shift=shift,
            body_shift=body_shift,
            hair_shift=hair_shift,
            jaw_deg=JAW_DEG * float(weights[SHAPES.index("jaw")]),
            speech=float(c["speech"]),
            lip_press=float(c["lip_press"]),
            tongue_up=float(c["tongue_up"]),
            corners_in=self._corners_in(weights),
            gaze_deg=(float(c["gaze_yaw_deg"]), float(c["gaze_pitch_deg"])),
            blink=(_lid(c["blink_left"], c), _lid(c["blink_right"], c)),
            squint=float(c["squint"]),
        )

    def _corners_in(self, weights: Float32) -> tuple[float, float]:
        """Of the corners on the left and on the right, under shape weights, (S,)."""
        left_mm, right_mm = (self._drawn_in_mm @ weights).tolist()
        return smooth_share(*CORNER_DRAWN_IN_MM, left_mm), smooth_share(
            *CORNER_DRAWN_IN_MM, right_mm
        )

    def _shift_px(self, right_fw: float, up_fw: float) -> Float32:
        """(2,) px to the right and down."""
        scale = self._rig.head_share * self._rig.width_px
        return np.array([right_fw, -up_fw], np.float32) * np.float32(scale)

    def _shape_weights(self, c: dict[str, float]) -> Float32:
        """(S,) so that the lips open as far as `lip_gap` says, whatever else moves them."""
        speech = c["speech"]
        w = dict.fromkeys(SHAPES, 0.0)
        w["settle"] = speech
        w["jaw"] = speech * c["jaw"]
        w["wide"] = speech * c["lip_wide"]
        w["round"] = speech * c["lip_round"]
        w["press"] = max(speech * c["lip_press"], self._touching * c["lip_tight"])
        w["teeth"] = speech * c["lip_teeth"]
        for name in _MUSCLES:
            w[name] = c[name]
        if speech > 0.0:
            asked_mm = c["lip_gap"] * self._mouth_width_mm
            # while they close or press, they are no longer at the teeth
            parted = min(1.0, asked_mm / BITE_FROM_MM)
            asked_mm = speech * max(asked_mm, BITE_GAP_MM * c["lip_teeth"] * parted)
            target = asked_mm + (1 - speech) * self._rest_gap_mm
            risen = w["jaw"] * self._rises("jaw")
            lift = _upper_lift_mm(asked_mm, c["lip_wide"], c["lip_round"], c["lip_teeth"])
            w["part_upper"] = max(0.0, lift - risen) / self._rises("part_upper")
            missing = (
                target
                - self._rest_gap_mm
                - sum(w[name] * self._gap_mm[i] for i, name in enumerate(SHAPES))
            )
            # each of these opens about a millimetre; exactly how much, the smooth mesh decides
            if missing > 0:
                w["part_lower"] = missing / self._opens("part_lower")
            else:
                w["close"] = missing / self._opens("close")
        return np.array([w[name] for name in SHAPES], np.float32)

    def _opens(self, shape: str) -> float:
        """mm that a shape at 1 opens the lips at the middle; negative if it closes them."""
        return float(self._gap_mm[SHAPES.index(shape)])

    def _rises(self, shape: str) -> float:
        """mm that a shape at 1 raises the upper lip at the middle."""
        return float(self._rise_mm[SHAPES.index(shape)])

    def _keep_lips_apart(self, skin: Float32) -> None:
        """Where the lower lip would rise above the upper one, both meet halfway.

        By a hair they may cross at rest already; that is left as it is.
        """
        upper, lower = self._rig.mesh.mouth
        down = self._rig.axes[:, 1]
        overlap = np.minimum((skin[lower] - skin[upper]) @ down - self._rest_overlap, 0.0)
        push = overlap[:, None] * (down / 2)
        skin[upper] += push
        skin[lower] -= push


def settled_width_mm(rig: Rig) -> float:
    """Width of the mouth as it speaks, without the smile that the photograph may show."""
    upper, _ = rig.mesh.mouth
    corners = [upper[0], upper[-1]]
    settled = rig.rest[corners] + rig.shapes[SHAPES.index("settle"), corners]
    return float(np.linalg.norm(settled[1] - settled[0])) / rig.px_per_mm


def _upper_lift_mm(gap_mm: float, wide: float, rounded: float, teeth: float) -> float:
    """How far above the line where they meet the upper lip stands, of lips gap_mm apart."""
    share = UPPER_SHARE + (UPPER_SHARE_SPREAD - UPPER_SHARE) * wide
    share += (UPPER_SHARE_ROUND - share) * rounded
    share += (UPPER_SHARE_TEETH - share) * teeth
    highest = UPPER_LIFT_MM[0] + (UPPER_LIFT_MM[1] - UPPER_LIFT_MM[0]) * wide
    return highest * float(np.tanh(share * gap_mm / highest))


def _lid(blink: float, controls: dict[str, float]) -> float:
    """How far a lid is down that blinks and follows the gaze; shut, it has nowhere to follow."""
    pitch = controls["gaze_pitch_deg"]
    follow = -pitch * (LID_FOLLOW_DOWN if pitch < 0 else LID_FOLLOW_UP)
    follow -= EYE_WIDE * controls["eye_wide"]
    return min(blink + follow * (1.0 - blink), 1.0)


def head_rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Float64:
    """(3, 3) rotation in picture axes (x right, y down, z away).

    Positive yaw turns the nose to the right of the picture, positive pitch raises it, positive
    roll leans the head clockwise. Roll is applied last.
    """
    y, p, r = np.deg2rad([-yaw_deg, -pitch_deg, roll_deg])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    rotation: Float64 = about_z @ about_y @ about_x
    return rotation


def _turn(points: Float64, rig: Rig, rotation: Float64, shift: Float64) -> Float64:
    """(..., 3) points of a rigid head, seen again by a camera CAMERA_DISTANCE_FW away."""
    turned = (points - rig.pivot) @ rotation.T + rig.pivot + shift
    nearer = turned[..., 2:3] - points[..., 2:3]
    distance = CAMERA_DISTANCE_FW * rig.width_px
    turned[..., :2] = rig.pivot[:2] + (turned[..., :2] - rig.pivot[:2]) * (
        distance / (distance + nearer)
    )
    return turned


def _limited(angle_deg: float, limit_deg: float) -> float:
    """Bend an angle from half the limit on, so that it nears the limit without reaching it."""
    return float(soft_limit(angle_deg, limit_deg, knee_share=0.5))
