"""Teeth and tongue as pictures to be laid into the mouth, drawn once per portrait.

Flow      render.mouth (colours, light) -> render.teeth -> render.own_teeth, render.mouth
Gives     Inlay: premultiplied colour and cover, with the place its origin stands for

Every crown is a curved surface on the dental arch: it has its own outline, faces its own way and is
lit by the photograph's light. The arch is seen from where the photograph saw the head.

Millimetres throughout; x right, y from the biting edge towards the gum, z back. Crown sizes: Ash &
Nelson, Wheeler's Dental Anatomy. Numbers without a source are our choice, set by eye against
photographs and films of speaking mouths.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64
from portravox.ramps import smoothstep

UPPER_CROWNS = ((8.5, 10.5), (6.5, 9.0), (7.5, 10.0), (7.0, 8.5), (7.0, 8.5), (10.0, 7.5))
LOWER_CROWNS = ((5.0, 9.0), (5.5, 9.5), (7.0, 11.0), (7.0, 8.5), (7.0, 8.0), (11.0, 7.5))
"""Width and height of each crown from the middle outwards."""

UPPER_STEP = (0.0, 0.7, 0.1, 0.8, 1.2, 1.6)
LOWER_STEP = (0.0, 0.1, 0.0, 0.5, 0.9, 1.3)
"""How far each edge stays short of the line on which the middle teeth bite."""

UPPER_ARCH = (27.0, 36.0)
LOWER_ARCH = (24.5, 33.0)
"""Half width and depth of the arch."""

CANINE = 2
"""Place of the canine, counted from the middle; its edge is pointed and it is the yellowest."""

IRREGULAR_MM = 0.16
IRREGULAR_DEG = 1.6
IRREGULAR_TURN_DEG = 5.0
"""Standard deviations of what nature leaves uneven: height of the edge, tilt, turn about the
root."""

REACH_X_MM, ABOVE_MM, BELOW_MM = 27.0, 12.5, 4.0
"""What an inlay of teeth holds: to each side, towards the gum, beyond the biting edge."""

DRAWN_PX_PER_MM = 5.0
"""Crowns are drawn about so finely at least, and then averaged down."""

NECK_TINT = np.array([0.97, 0.92, 0.83])
"""Near the gum dentine shows through, yellower than enamel."""

EDGE_TINT = np.array([0.80, 0.82, 0.84])
"""The biting edge lets light through to the dark behind it, bluish."""

FAR_TINT = np.array([1.0, 1.12, 1.24])
"""How fast red, green and blue fall off on teeth in the shade: light in a mouth is warm."""

GLOSS = 0.30
SHEEN = 0.07
"""Of what is missing to white, wet enamel gains so much in its highlights, and around them."""


@dataclass(frozen=True, slots=True, eq=False)
class Inlay:
    """A picture to be laid into the mouth."""

    pixels: Float32
    """(h, w, 4) colour times cover, 0..255, and cover, 0..1."""

    origin: tuple[float, float]
    """Pixel that stands at the anchor: the middle of the edge of the teeth, or of the tongue."""

    density: float
    """Pixels per mm."""


@dataclass(frozen=True, slots=True, eq=False)
class TeethLook:
    """What one person's teeth are drawn with."""

    enamel: Float64
    """(3,) colour in full light, 0..255."""

    gum: Float64
    """(3,) likewise."""

    slope: Float64
    """(3,) how brightness changes along x, y (down), z of the picture, relative to its mean."""

    yaw_deg: float = 0.0
    """Where the photographed head points, positive to the right of the picture."""


def draw_teeth(look: TeethLook, *, upper: bool, density: float, seed: int) -> Inlay:
    """One row of teeth with its gum.

    density  px per mm of the inlay
    seed     teeth are never quite regular; the same seed draws the same ones
    """
    fine = max(1, round(DRAWN_PX_PER_MM / density))
    grid = _Grid(density, fine)
    colour, cover = _crowns(look, grid, upper, np.random.default_rng(seed))
    gum, gum_cover = _gum(look, grid, upper)
    total = cover + gum_cover * (1 - cover)
    blended = colour * cover[..., None] + gum * (gum_cover * (1 - cover))[..., None]
    picture = np.dstack([blended, total]).astype(np.float32)
    size, origin = row_place(density, upper=upper)
    if fine > 1:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if not upper:
        picture = picture[::-1]
    return Inlay(np.ascontiguousarray(picture), origin, density)


def row_place(density: float, *, upper: bool) -> tuple[tuple[int, int], tuple[float, float]]:
    """(width, height) in px of a row's inlay, and its origin."""
    size = (round(2 * REACH_X_MM * density), round((ABOVE_MM + BELOW_MM) * density))
    edge_row = ABOVE_MM * density
    if not upper:
        edge_row = size[1] - edge_row
    return size, (size[0] / 2 - 0.5, edge_row - 0.5)


class _Grid:
    """Positions of an inlay's pixels, drawn `fine` times finer."""

    def __init__(self, density: float, fine: int) -> None:
        size, _ = row_place(density, upper=True)
        self.px_per_mm = density * fine
        columns, rows = size[0] * fine, size[1] * fine
        across = (np.arange(columns, dtype=np.float32) + 0.5) / self.px_per_mm
        self.x = across - np.float32(columns / self.px_per_mm / 2)
        self.y = ABOVE_MM - (np.arange(rows, dtype=np.float32) + 0.5) / self.px_per_mm


def _crowns(
    look: TeethLook, grid: _Grid, upper: bool, rng: np.random.Generator
) -> tuple[Float32, Float32]:
    """(h, w, 3) colour and (h, w) cover of all crowns, the nearer over the farther."""
    crowns = UPPER_CROWNS if upper else LOWER_CROWNS
    steps = UPPER_STEP if upper else LOWER_STEP
    arch = UPPER_ARCH if upper else LOWER_ARCH
    shape = (len(grid.y), len(grid.x))
    colour = np.zeros((*shape, 3), np.float32)
    cover = np.zeros(shape, np.float32)
    bumps = _smooth_noise(shape, 0.7 * grid.px_per_mm, rng)
    borders_x, borders_z = _along_arch([c[0] for c in crowns], *arch)
    turned = np.deg2rad(look.yaw_deg)
    teeth = []
    for side in (-1.0, 1.0):
        view_x = side * borders_x * np.cos(turned) - borders_z * np.sin(turned)
        view_z = borders_z * np.cos(turned) + side * borders_x * np.sin(turned)
        for k, (_, height) in enumerate(crowns):
            left, right = sorted((view_x[k], view_x[k + 1]))
            faces_camera = (view_x[k + 1] - view_x[k]) * side > 0.4
            chance = rng.normal(0, 1, 5)
            if faces_camera:
                along = np.arctan2(view_z[k + 1] - view_z[k], abs(view_x[k + 1] - view_x[k]))
                teeth.append(
                    _Tooth(
                        left=left,
                        right=right,
                        depth=(borders_z[k] + borders_z[k + 1]) / 2,
                        facing=side * along + np.deg2rad(IRREGULAR_TURN_DEG) * chance[0],
                        lift=steps[k] + IRREGULAR_MM * abs(chance[1]),
                        tilt=float(np.deg2rad(IRREGULAR_DEG) * chance[2]),
                        height=height * (1 + 0.04 * chance[3]),
                        shade=1 + 0.018 * chance[4] - (0.04 if k == CANINE else 0.0),
                        canine=k == CANINE,
                        inner=-side,
                        upper=upper,
                    )
                )
    for tooth in sorted(teeth, key=lambda t: -t.depth):
        tooth.draw(look, grid, bumps, colour, cover)
    return colour, cover


@dataclass(frozen=True, slots=True)
class _Tooth:
    """One crown as seen by the camera."""

    left: float
    right: float
    depth: float
    facing: float
    """rad its outer face points to the right of the camera."""
    lift: float
    tilt: float
    height: float
    shade: float
    canine: bool
    inner: float
    """-1 or 1: on which side the middle of the arch lies."""
    upper: bool

    def draw(
        self, look: TeethLook, grid: _Grid, bumps: Float32, colour: Float32, cover: Float32
    ) -> None:
        half = (self.right - self.left) / 2
        centre = (self.right + self.left) / 2
        first, last = np.searchsorted(grid.x, [self.left - 0.6, self.right + 0.6])
        if last - first < 1:
            return
        near = np.s_[:, first:last]
        y = grid.y[:, None] - np.float32(self.lift)
        # wider towards the edge, which is why gaps open towards the gum
        v = y / np.float32(self.height)
        reach = 0.84 + 0.16 * np.sin(np.pi * np.clip(1 - v, 0, 1) * 0.62)
        u = (grid.x[None, first:last] - centre - self.tilt * y) / np.float32(half)
        w = u / reach
        across = np.abs(w)
        # the corner away from the middle is rounder; a canine has a point
        corner = np.where(w * self.inner > 0, 0.5, 1.0) * across**6
        bite = (0.7 * across**1.5 if self.canine else corner) + 0.06 * across**2
        neck = self.height * (1.0 - 0.13 * across**2)
        inside = np.minimum(np.minimum((1 - across) * half * reach, y - bite), neck - y)
        shape = np.clip(inside * grid.px_per_mm / 1.1 + 0.5, 0, 1)

        lit, gloss = self._light(look, u, v, bumps[near])
        edge = 1 - smoothstep(0.0, 1.6, y - bite)
        near_neck = smoothstep(0.55, 1.0, v)
        tint = (1 + (NECK_TINT - 1) * near_neck[..., None]) * (
            1 + (EDGE_TINT - 1) * (0.65 * edge)[..., None]
        )
        # neighbours shade each other where they touch
        crevice = 1 - 0.30 * np.exp(-(1 - across) * half / 0.28) - 0.12 * np.exp(-(neck - y) / 0.6)
        far = 0.45 + 0.55 * np.exp(-((self.depth / 14.0) ** 1.6))
        brightness = np.clip(lit * crevice, 0.35, 1.12) * (self.shade * far)
        painted = look.enamel * tint * brightness[..., None] ** FAR_TINT
        painted = painted + (255 - painted) * (gloss * far)[..., None]
        colour[near] += (painted - colour[near]) * shape[..., None]
        cover[near] = np.maximum(cover[near], shape)

    def _light(
        self, look: TeethLook, u: Float64, v: AnyFloat, bumps: Float32
    ) -> tuple[Float64, Float64]:
        """Brightness against a surface that faces the camera, and the gloss on it."""
        turn = self.facing + 0.28 * u + 0.50 * u * np.abs(u) ** 3
        # the crown bulges near its neck and leans back towards its edge
        lean = 0.40 * (v - 0.42) + 0.25 * np.clip(v - 0.7, 0, 1)
        if not self.upper:
            lean = -lean
        nx = np.sin(turn) * np.cos(lean)
        ny = -np.sin(lean) + 0 * turn
        nz = -np.cos(turn) * np.cos(lean)
        lit = 1.0 + look.slope[0] * nx + look.slope[1] * ny + look.slope[2] * (nz + 1)
        # waves of the surface are too faint to shade it, but break its reflections
        nx, ny = nx + 0.09 * bumps, ny + 0.05 * bumps
        towards = np.array([look.slope[0], look.slope[1], min(look.slope[2], 0.0) - 0.25])
        towards /= np.linalg.norm(towards)
        half_way = towards + np.array([0.0, 0.0, -1.0])
        half_way /= np.linalg.norm(half_way)
        mirror = np.clip(nx * half_way[0] + ny * half_way[1] + nz * half_way[2], 0, 1)
        return lit, GLOSS * mirror**90 + SHEEN * mirror**14


def _gum(look: TeethLook, grid: _Grid, upper: bool) -> tuple[Float64, Float64]:
    """(h, w, 3) colour and (h, w) cover of what lies behind the crowns: gum, shaded enamel."""
    crowns = UPPER_CROWNS if upper else LOWER_CROWNS
    arch = UPPER_ARCH if upper else LOWER_ARCH
    borders, depths = _along_arch([c[0] for c in crowns], *arch)
    # where on the arch each column looks, given from where it is seen
    turned = np.deg2rad(look.yaw_deg)
    along = np.concatenate([-borders[:0:-1], borders])
    seen = along * np.cos(turned) - np.concatenate([depths[:0:-1], depths]) * np.sin(turned)
    seen, kept = np.unique(np.maximum.accumulate(seen), return_index=True)
    x = np.abs(np.interp(grid.x, seen, along[kept], left=-99.0, right=99.0))[None]
    y = grid.y[:, None]
    middles = (borders[1:] + borders[:-1]) / 2
    papilla = np.interp(x, middles, [0.50 * height for _, height in crowns])
    is_gum = smoothstep(-0.4, 0.6, y - papilla)
    # a sliver of dark shows between the corners of the edges; above it crowns touch
    cover = smoothstep(0.9, 2.2, y) * (x < borders[-1]) * 0.95
    fade = 0.45 + 0.55 * np.exp(-((x / 16.0) ** 2.0))
    between = look.enamel * np.array([0.60, 0.50, 0.45])
    # gum swells over the roots and falls away from the light above them
    swell = 1.0 - 0.12 * smoothstep(7.0, 12.0, y)
    colour = between + (look.gum - between) * is_gum[..., None]
    return colour * (fade * swell)[..., None], cover


def draw_tongue(*, colour: Float64, density: float, seed: int) -> Inlay:
    """The tongue seen from the front, tip towards the camera; its origin is the top middle.

    colour  (3,) in full light, 0..255
    """
    fine = max(1, int(np.ceil(3.0 / density)))
    reach_x, height = 21.0, 26.0
    size = (round(2 * reach_x * density), round(height * density))
    px = density * fine
    x = ((np.arange(size[0] * fine) + 0.5) / px - reach_x)[None]
    y = ((np.arange(size[1] * fine) + 0.5) / px)[:, None] - 1.5
    across = np.abs(x) / reach_x
    below = y - 9.0 * across**2.2
    cover = smoothstep(-0.5, 0.5, below) * (1 - smoothstep(0.62, 1.0, across))
    rng = np.random.default_rng(seed)
    bumps = _smooth_noise((size[1] * fine, size[0] * fine), max(0.6, 0.3 * px), rng)
    swells = _smooth_noise((size[1] * fine, size[0] * fine), 1.6 * px, rng)
    # round towards its rim, and a soft groove along the middle
    shade = 0.62 + 0.38 * smoothstep(0.0, 5.0, below) - 0.30 * smoothstep(6.0, 22.0, below)
    groove = np.exp(-((x / 1.6) ** 2)) * smoothstep(1.0, 6.0, below)
    shade = shade * (1 - 0.55 * across**1.6) * (1 - 0.12 * groove) * (1 + 0.025 * bumps)
    # moist: a broken highlight where it curves towards the light
    ridge = np.exp(-(((below - 3.0) / 1.3) ** 2)) * np.exp(-((across / 0.42) ** 2))
    wet = 0.16 * ridge * smoothstep(-0.4, 1.4, swells + 0.5 * bumps) + 0.05 * ridge
    rgb = colour * shade[..., None]
    rgb = rgb + (255 - rgb) * wet[..., None]
    picture = np.dstack([rgb * cover[..., None], cover]).astype(np.float32)
    if fine > 1:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return Inlay(np.ascontiguousarray(picture), (size[0] / 2 - 0.5, 1.5 * density - 0.5), density)


def _smooth_noise(shape: tuple[int, int], sigma_px: float, rng: np.random.Generator) -> Float32:
    """(h, w) mean 0, deviation 1, varying over about sigma_px."""
    coarse = max(1, int(sigma_px / 2))
    small = rng.standard_normal((shape[0] // coarse + 2, shape[1] // coarse + 2))
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), max(sigma_px / coarse, 0.5))
    wide = cv2.resize(smooth, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    noise: Float32 = (wide - wide.mean()) / max(float(wide.std()), 1e-6)
    return noise


def _along_arch(widths: list[float], half_width: float, depth: float) -> tuple[Float64, Float64]:
    """x and z of the borders between teeth whose widths run along an elliptic arch."""
    angle = np.linspace(0, np.pi / 2, 500)
    x, z = half_width * np.sin(angle), depth * (1 - np.cos(angle))
    run = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    borders = np.concatenate([[0.0], np.cumsum(widths)])
    return np.interp(borders, run, x), np.interp(borders, run, z)
