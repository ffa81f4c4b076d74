"""Shapes: where each vertex goes when one muscle pulls.

Flow      rig.fit (control mesh) -> rig.shapes -> rig.deform
Reads     the control mesh in the head's own frame: millimetres, x right, y down, z back, of a face
          that is FACE_WIDTH_MM wide
Gives     (S, n, 3) displacements in the same frame, one for each name of SHAPES

Each shape is written as a handful of handles, landmarks with the way they go; rig.fields extends
them over the mesh. The amounts are ours, set by eye on photographs of adults.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from portravox.arrays import Float64, Int32
from portravox.face.outlines import LOWER_INNER, LOWER_OUTER, OVAL, UPPER_INNER, UPPER_OUTER
from portravox.ramps import smoothstep
from portravox.rig.fields import FieldSolver
from portravox.rig.topology import LEFT_EYE, RIGHT_EYE

FACE_WIDTH_MM = 140.0
"""Distance between the landmarks 234 and 454 in the head's frame. Close to the bizygomatic breadth
of adults, so that lengths can be thought of in millimetres."""

JAW_DEG = 14.0
"""Rotation of the jaw at jaw = 1."""

SHAPES = (
    "settle",
    "jaw",
    "part_upper",
    "part_lower",
    "close",
    "wide",
    "round",
    "press",
    "teeth",
    "smile",
    "brow_raise",
    "brow_lower",
    "squint",
    "smile_skew",
    "brow_skew",
    "corner_drop",
    "brow_inner",
)
"""settle       from the photograph's lips to closed, half-serious lips; nothing if they are so
jaw          the jaw rotated by JAW_DEG, lower lip with it
part_upper   upper lip up, 1 mm at the middle
part_lower   lower lip down, 1 mm at the middle
close        both lips towards each other across the gap that the jaw opens, 1 mm at the middle
wide .. press, teeth, smile, corner_drop, brow_*, *_skew  as the controls of these names
squint       the cheek below a lower lid that rises; lids themselves are drawn, see render.eyes
"""

_SKEWED = {"smile_skew": "smile", "brow_skew": "brow_raise"}
"""Shapes that are another one with its left half turned round."""

SKEW_BORDER_MM = 12.0
"""The change from one half to the other reaches so far to each side of the nose. Our choice."""

_STILL = (168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 9, 10, 151, 8, 107, 336, 70, 300)
_STILL_SIDES = (33, 133, 263, 362, 159, 386, 145, 374, 234, 454, 127, 356, 93, 323)
MOUTH_CORNERS = (61, 291)
"""On the picture's left and right."""

CHIN = (152, 148, 377)
_CHIN_PAD = (176, 400, 149, 378, 175, 199, 200, 18, 171, 396, 140, 369, 32, 262)
_CHEEKS = ((205, -1), (50, -1), (36, -1), (425, 1), (280, 1), (266, 1))
"""With the side of the picture they are on."""

CHEEK_SHARE = 0.35
"""Of the way that the corners of a smiling mouth sink, the cheeks sink along. Our choice."""

CORNER_OF_JAW = 0.38
"""The corners of the mouth follow the jaw by so much."""

CORNER_USED_UP = 0.55
"""Of the lips beyond the end of the opening, so much is drawn into it by a wide open jaw."""

NEIGHBOUR_USED_UP = 0.6
"""The outline beside the corner goes along by so much of that, or the corner would overtake it and
the outline fold. Our choice."""

_NECK_WITH_JAW = ((1, 0.20), (2, 0.06))
"""Rings and how far they drop with the chin: it goes over the neck, and a collar stays."""

_JAW_LINE = ((0.9, (150, 379, 136, 365, 172, 397)), (0.6, (58, 288, 132, 361)))

UNSMILING_WIDTH_MM = 50.0
"""Mouths wider than this are taken to smile. Mean of adults at rest (Farkas, Anthropometry of the
Head and Face, 1994: 49.8 mm women, 54.5 mm men), the lower of the two."""

BROAD_MM = (50.0, 62.0)
RAISED_MM = (1.5, 6.0)
"""A mouth so wide, or whose corners stand so far above the middle of its opening, begins to be a
smile, and is one in full. Our choice."""

SMILE_TAKEN_BACK = (0.30, 0.75)
"""Of the width beyond UNSMILING_WIDTH_MM, speech takes so much back, from a mouth that is only wide
and from one that smiles. Our choice: all of it would melt the folds that a smile leaves."""

CORNERS_BELOW_MM = 2.0
CORNERS_TAKEN_BACK = 0.80
"""Corners of mouths at rest lie so far below the line where the lips meet at the middle; of the way
there from a full smile, speech takes so much. Mean of the unsmiling among our sample portraits,
rounded down; the share is our choice."""

BITE_SHUT_MM = 4.0
BITE_ROLLED_IN = 0.5
CHIN_RISES_MM = 1.4
"""Of the lower lip at the upper teeth: how much nearer lips are beside the middle than those of an
open mouth, the share of its red that goes under the teeth, and how far the chin's skin is drawn up
along with it. Our choice."""

SEAM_SHARE = (0.36, 0.58)
"""Where open lips meet, as share of the way from the upper to the lower: of a mouth that just
stands open, and of one that smiles, whose upper lip stands 6 to 8 mm too high. So closed, the upper
incisors reach 2 to 3 mm below the lip, as at rest (Vig & Brundo, J. Prosthet. Dent. 1978)."""

Handles = dict[int, Float64]


def jaw_hinge(rest: Float64) -> Float64:
    """(3,) where the jaw turns: below and in front of the middle between the ears."""
    mouth_x = (rest[61, 0] + rest[291, 0]) / 2
    ears = (rest[234] + rest[454]) / 2
    return np.array([mouth_x, ears[1] + 8.0, ears[2] - 8.0])


def jaw_displacement(points: Float64, hinge: Float64, degrees: float) -> Float64:
    """(..., 3) how far points of the jaw go when it opens by `degrees`: down and back."""
    angle = np.deg2rad(degrees)
    y, z = points[..., 1] - hinge[1], points[..., 2] - hinge[2]
    moved = np.zeros_like(points)
    moved[..., 1] = np.cos(angle) * y - np.sin(angle) * z - y
    moved[..., 2] = np.sin(angle) * y + np.cos(angle) * z - z
    return moved


def build_shapes(
    rest: Float64, triangles: Int32, rings: Int32, ring_neck: Float64, hinge: Float64
) -> Float64:
    """(S, n, 3) displacements in mm, in the order of SHAPES.

    rest       (n, 3) control mesh in the head's frame, mm
    triangles  (F, 3) of the control mesh
    rings      (RINGS, 36) its outer vertices
    ring_neck  (36,) 1 where a ring's column lies on the neck, 0 where on hair or background
    hinge      (3,) of the jaw, mm
    """
    sculptor = _Sculptor(rest, triangles, rings, ring_neck, hinge)
    built = {name: getattr(sculptor, name)() for name in SHAPES if name not in _SKEWED}
    side = np.tanh((rest[:, 0] - sculptor.middle_x) / SKEW_BORDER_MM)
    for name, even in _SKEWED.items():
        built[name] = side[:, None] * built[even]
    return np.stack([built[name] for name in SHAPES])


def smiling(rest: Float64) -> float:
    """0..1, how much the mouth of a control mesh, (n, 3) mm, smiles: by its width and corners."""
    broad = smoothstep(*BROAD_MM, rest[291, 0] - rest[61, 0])
    middle_y = (rest[13, 1] + rest[14, 1]) / 2
    raised = smoothstep(*RAISED_MM, middle_y - rest[[61, 291], 1].mean())
    return float(max(broad, raised))


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


class _Sculptor:
    """The handles of every shape, for one face."""

    def __init__(
        self,
        rest: Float64,
        triangles: Int32,
        rings: Int32,
        ring_neck: Float64,
        hinge: Float64,
    ) -> None:
        self.rest = rest
        self.rings = rings
        self.ring_neck = ring_neck
        self.still = (*_STILL, *_STILL_SIDES, *rings[1:].ravel().tolist())
        self.solver = FieldSolver(rest, triangles, held=self.still)
        self.middle_x = (rest[61, 0] + rest[291, 0]) / 2
        self.half_width = (rest[291, 0] - rest[61, 0]) / 2
        self.half_opening = (rest[308, 0] - rest[78, 0]) / 2
        self.hinge = hinge
        self.smiling = smiling(rest)
        excess = max(0.0, 2 * self.half_width - UNSMILING_WIDTH_MM)
        self.inward = excess * _between(SMILE_TAKEN_BACK, self.smiling) / 2
        settled = 2 * (self.half_width - self.inward)
        self.size = float(np.clip(settled / UNSMILING_WIDTH_MM, 0.7, 1.2))

    def _across(self, landmark: int) -> float:
        """-1 at the left corner of the mouth, 0 at the middle, 1 at the right corner."""
        return float((self.rest[landmark, 0] - self.middle_x) / self.half_width)

    def _bell(self, inner: int) -> float:
        """1 at the middle of the opening, 0 at its corners, an ellipse in between.

        inner  landmark on an inner edge; the column of lip above or below it goes along, so that
               its red is not stretched
        """
        x = (self.rest[inner, 0] - self.middle_x) / self.half_opening
        return float(np.sqrt(max(0.0, 1.0 - x**2)))

    def _mouth_handles(self, chin_still: bool = True) -> Handles:
        """Handles that keep nose, eyes, ears, hair and background still."""
        handles = {i: np.zeros(3) for i in self.still}
        if chin_still:
            handles |= {i: np.zeros(3) for i in CHIN}
        return handles

    def _columns(self) -> Iterable[tuple[int, int, int, int]]:
        """Upper inner, lower inner, upper outer, lower outer landmark, left to right."""
        return zip(UPPER_INNER, LOWER_INNER, UPPER_OUTER, LOWER_OUTER, strict=True)

    def settle(self) -> Float64:
        rest = self.rest
        share = _between(SEAM_SHARE, self.smiling)
        seam_y = (1 - share) * rest[13, 1] + share * rest[14, 1]
        # a smile draws the corners apart, up and back; speech takes a part of it back
        taken_back = CORNERS_TAKEN_BACK * self.smiling
        at_rest_y = seam_y + CORNERS_BELOW_MM
        dropped = [taken_back * max(0.0, at_rest_y - rest[i, 1]) for i in (61, 291)]
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            gap = rest[lower] - rest[upper]
            x = self._across(upper)
            drop = dropped[int(x > 0)]
            relax = np.array([-self.inward * x, drop * x**2, -0.35 * self.inward * x**2])
            handles[upper] = gap * share + relax
            handles[lower] = gap * (share - 1) + relax
            if upper_outer != 61 and upper_outer != 291:
                # less than the inner edges: lips that a smile has drawn thin grow full again
                handles[upper_outer] = gap * (share - 0.16) + relax
                handles[lower_outer] = gap * (share - 0.86) + relax
        for corner, inner in ((61, 78), (291, 308)):
            handles[corner] = handles[inner].copy()
        for cheek, side in _CHEEKS:
            sunk = CHEEK_SHARE * dropped[int(side > 0)]
            handles[cheek] = np.array([-0.15 * self.inward * side, sunk, 0.15 * self.inward])
        return self.solver.extend(handles)

    def jaw(self) -> Float64:
        return self._open_jaw

    @cached_property
    def _open_jaw(self) -> Float64:
        rest = self.rest

        def turned(landmark: int) -> Float64:
            return jaw_displacement(rest[landmark], self.hinge, JAW_DEG)

        handles = self._mouth_handles(chin_still=False)
        for upper, lower, upper_outer, lower_outer in self._columns():
            bell = self._bell(upper)
            for i in (lower, lower_outer):
                narrower = np.array([-2.0 * self._across(i), 0.0, 0.0])
                handles[i] = turned(i) * (CORNER_OF_JAW + (1 - CORNER_OF_JAW) * bell) + narrower
            for i in (upper, upper_outer):
                narrower = np.array([-2.0 * self._across(i), -0.9 * bell, 0.0])
                handles[i] = turned(i) * CORNER_OF_JAW * (1 - bell) + narrower
        for corner, inner, neighbours in ((61, 78, (185, 146)), (291, 308, (409, 375))):
            inwards = np.array([-2.2 * np.sign(self._across(corner)), 0.0, 0.0])
            handles[inner] = turned(inner) * CORNER_OF_JAW + inwards
            # the line in which shut lips end is used up as they open
            used_up = (rest[inner] - rest[corner]) * CORNER_USED_UP
            handles[corner] = handles[inner] + used_up
            for i in neighbours:
                handles[i] = handles[i] + used_up * NEIGHBOUR_USED_UP
        for i in (*CHIN, *_CHIN_PAD):
            handles[i] = turned(i)
        for share, landmarks in _JAW_LINE:
            for i in landmarks:
                handles[i] = turned(i) * share
        for ring, share in _NECK_WITH_JAW:
            for k, i in enumerate(self.rings[ring].tolist()):
                neck = self.ring_neck[k]
                handles[i] = turned(OVAL[k]) * share * neck if neck > 0.3 else np.zeros(3)
        return self.solver.extend(handles)

    def part_upper(self) -> Float64:
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            bell = self._bell(upper)
            handles[upper] = np.array([0.0, -bell, 0.08])
            handles[upper_outer] = np.array([0.0, -0.72 * bell, 0.08])
            if lower not in UPPER_INNER:
                handles[lower] = handles[lower_outer] = np.zeros(3)
        return self.solver.extend(handles)

    def part_lower(self) -> Float64:
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            bell = self._bell(lower)
            if lower not in UPPER_INNER:
                handles[upper] = handles[upper_outer] = np.zeros(3)
            handles[lower] = np.array([0.0, bell, 0.0])
            handles[lower_outer] = np.array([0.0, 0.75 * bell, 0.0])
        return self.solver.extend(handles)

    def close(self) -> Float64:
        jaw = self.jaw()
        opened = {u: jaw[low] - jaw[u] for u, low in zip(UPPER_INNER, LOWER_INNER, strict=True)}
        middle = max(float(opened[UPPER_INNER[5]][1]), 1e-3)
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            gap = opened[upper] / middle
            handles[upper] = gap * 0.22
            handles[lower] = gap * -0.78
            if upper_outer != 61 and upper_outer != 291:
                handles[upper_outer] = gap * 0.12
                handles[lower_outer] = gap * -0.62
        handles[61] = handles[291] = np.zeros(3)
        return self.solver.extend(handles)

    def wide(self) -> Float64:
        rest = self.rest
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            for i in (upper, lower, upper_outer, lower_outer):
                x = np.clip(self._across(i), -1.2, 1.2)
                handles[i] = np.array([4.0 * x, 0.0, 1.2 * x**2]) * self.size
            if upper_outer != 61 and upper_outer != 291:
                # what is stretched gets thinner
                bell = self._bell(upper)
                handles[upper_outer] += (rest[upper] - rest[upper_outer]) * 0.10 * bell
                handles[lower_outer] += (rest[lower] - rest[lower_outer]) * 0.14 * bell
        for corner, inner in ((61, 78), (291, 308)):
            side = np.sign(self._across(corner))
            handles[corner] = handles[inner] = np.array([4.4 * side, -0.2, 1.8]) * self.size
        return self.solver.extend(handles)

    def round(self) -> Float64:
        rest = self.rest
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            x, bell = self._across(upper), self._bell(upper)
            inner = np.array([-6.4 * x, 0.0, -4.2 * bell - 1.0]) * self.size
            handles[upper] = handles[lower] = inner
            # and what is gathered thicker
            for i, beside, gathered in ((upper_outer, upper, 0.16), (lower_outer, lower, 0.12)):
                # by its own place, or the corner would overtake it and the outline fold
                outer = np.array([-7.0 * self._across(i), 0.0, -3.0 * bell - 1.0]) * self.size
                handles[i] = outer + (rest[i] - rest[beside]) * gathered * bell
        for corner, inner_corner in ((61, 78), (291, 308)):
            side = np.sign(self._across(corner))
            handles[corner] = np.array([-7.0 * side, 0.0, -2.0]) * self.size
            handles[inner_corner] = np.array([-6.9 * side, 0.0, -2.2]) * self.size
        return self.solver.extend(handles)

    def press(self) -> Float64:
        rest = self.rest
        handles = self._mouth_handles()
        for upper, lower, upper_outer, lower_outer in self._columns():
            bell = self._bell(upper)
            handles[upper] = handles[lower] = np.array([0.0, -0.15 * bell, 1.0 * bell])
            if upper_outer != 61 and upper_outer != 291:
                # the red of the lips rolls in: their outer edges come a third of the way
                handles[upper_outer] = (rest[upper] - rest[upper_outer]) * 0.32 * bell
                handles[lower_outer] = (rest[lower] - rest[lower_outer]) * 0.34 * bell
        for corner, inner in ((61, 78), (291, 308)):
            side = np.sign(self._across(corner))
            handles[corner] = handles[inner] = np.array([0.8 * side, 0.2, 0.5])
        return self.solver.extend(handles)

    def teeth(self) -> Float64:
        rest = self.rest
        handles = self._mouth_handles(chin_still=False)
        for upper, lower, upper_outer, lower_outer in self._columns():
            bell = self._bell(lower)
            if lower in UPPER_INNER:
                continue
            # lips meet to the sides of the incisors, where an open mouth would still be apart
            shut = BITE_SHUT_MM * (bell - bell**3)
            handles[upper] = np.array([0.0, -0.6 * bell + 0.35 * shut, 0.0])
            handles[upper_outer] = np.array([0.0, -0.6 * bell + 0.2 * shut, 0.0])
            handles[lower] = np.array([0.0, -0.6 * bell - 0.65 * shut, 3.0 * bell])
            # the red of the lip rolls in under the teeth
            rolled = (rest[lower] - rest[lower_outer]) * BITE_ROLLED_IN * bell
            handles[lower_outer] = np.array([0.0, -0.6 * bell - 0.4 * shut, 1.6 * bell]) + rolled
        for landmarks, share in ((_CHIN_PAD, 1.0), (CHIN, 0.5)):
            for i in landmarks:
                handles[i] = np.array([0.0, -share * CHIN_RISES_MM, 0.0])
        return self.solver.extend(handles)

    def smile(self) -> Float64:
        handles = self._mouth_handles()
        for row in (UPPER_INNER, LOWER_INNER, UPPER_OUTER, LOWER_OUTER):
            for i in row:
                x = self._across(i)
                pull = float(smoothstep(0.1, 1.0, abs(x)))
                handles[i] = np.array([4.0 * np.sign(x) * pull, -3.4 * pull, 2.0 * pull])
        for corner, inner in ((61, 78), (291, 308)):
            side = np.sign(self._across(corner))
            handles[corner] = handles[inner] = np.array([4.4 * side, -4.0, 2.2])
        for cheek, side in _CHEEKS:
            handles[cheek] = np.array([0.9 * side, -1.8, -1.0])
        return self.solver.extend(handles)

    def _brow_handles(self) -> Handles:
        lids = (*LEFT_EYE.upper, *LEFT_EYE.lower, *RIGHT_EYE.upper, *RIGHT_EYE.lower)
        mouth = (*UPPER_OUTER, *LOWER_OUTER, *UPPER_INNER, *LOWER_INNER)
        still = (
            *(*lids, *mouth, 168, 6, 197, 4, 10, 109, 338, 127, 356, 234, 454, 152),
            *self.rings[1].tolist(),
        )
        return {i: np.zeros(3) for i in still}

    def brow_raise(self) -> Float64:
        handles = self._brow_handles()
        for i in (*LEFT_EYE.brow, *RIGHT_EYE.brow):
            handles[i] = np.array([0.0, -5.0, 0.5])
        return self.solver.extend(handles)

    def brow_lower(self) -> Float64:
        handles = self._brow_handles()
        for brow, side in ((LEFT_EYE.brow, 1.0), (RIGHT_EYE.brow, -1.0)):
            inner = self.rest[168, 0]
            reach = max(abs(self.rest[i, 0] - inner) for i in brow)
            for i in brow:
                near = 1.0 - abs(self.rest[i, 0] - inner) / reach
                handles[i] = np.array([1.6 * side * near, 1.2 + 1.8 * near, -0.3])
        return self.solver.extend(handles)

    def squint(self) -> Float64:
        handles = self._brow_handles()
        for cheek in (205, 50, 425, 280):
            handles[cheek] = np.array([0.0, -0.6, 0.0])
        return self.solver.extend(handles)

    def corner_drop(self) -> Float64:
        """The corners drawn down and a little apart, the lower lip with them (AU 15)."""
        handles = self._mouth_handles()
        for row, along in (
            (UPPER_INNER, 0.9), (LOWER_INNER, 0.9), (UPPER_OUTER, 0.8), (LOWER_OUTER, 1.0)
        ):  # fmt: skip
            for i in row:
                x = self._across(i)
                pull = along * float(smoothstep(0.25, 1.0, abs(x)))
                handles[i] = np.array([0.5 * np.sign(x) * pull, 3.4 * pull, 0.4 * pull])
        for corner, inner in ((61, 78), (291, 308)):
            side = np.sign(self._across(corner))
            handles[corner] = handles[inner] = np.array([0.6 * side, 3.8, 0.5])
        for cheek, _ in _CHEEKS:
            handles[cheek] = np.array([0.0, 0.5, 0.0])
        return self.solver.extend(handles)

    def brow_inner(self) -> Float64:
        """The inner ends of the brows up and together, the outer ends where they are (AU 1 + 4)."""
        handles = self._brow_handles()
        for brow, side in ((LEFT_EYE.brow, 1.0), (RIGHT_EYE.brow, -1.0)):
            inner = self.rest[168, 0]
            away = {i: abs(self.rest[i, 0] - inner) for i in brow}
            nearest, reach = min(away.values()), max(away.values())
            for i in brow:
                near = 1.0 - (away[i] - nearest) / (reach - nearest)
                handles[i] = np.array([1.4 * side * near, 0.5 - 4.6 * near**1.3, 0.2 * near])
        return self.solver.extend(handles)
