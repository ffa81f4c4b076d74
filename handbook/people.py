"""Three portraits drawn by code, for the studio's examples: nobody has to be asked for them.

Flow      handbook.people -> portravox.demo (JPEG), the studio's small pictures of them

    python -m handbook.people      # 4 minutes; only after a change here

Each is a field of signed distances (how far a point is from the nearest surface, negative inside),
put together from ellipsoids and capsules, found along rays by sphere tracing, then lit by one lamp
with soft shadows. Lengths are in half widths of a head; x right, y up, z towards the viewer.

Source: the smooth minimum and the distances are Inigo Quilez', "distance functions" (2008 to 2020);
the faces' proportions and colours are our choice.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path("portravox/demo")
SMALL = Path("portravox/studio/page/examples")

SIZE_PX = (512, 640)
SMALL_PX = 112
_SAMPLES = 2
"""Rays along each side of a pixel."""

_JPEG_QUALITY = 88
SMALL_QUALITY = 72

_CAMERA_Z = 6.5
_HALF_HEIGHT = 1.72
_CENTRE_Y = -0.22
_STEPS = 110
_NEAR = 0.0015
_FAR = 9.5

_EYE = (0.30, 0.10, 0.60)
_EYE_RADIUS = 0.175

_SKIN, _EYES, _HAIR, _CLOTH, _GLASSES = range(5)

_KEY = (-0.55, 0.65, 0.75)
_FILL = (0.8, 0.1, 0.6)
_RIM = (0.7, 0.5, -0.6)

Colour = tuple[float, float, float]

Values = NDArray[Any]
"""Floating-point numbers, a row or a value for each place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What tells one portrait from another. Colours are sRGB, 0 to 1."""

    name: str
    skin: Colour
    lips: Colour
    hair: Colour
    cloth: Colour
    backdrop: tuple[Colour, Colour]
    iris: Colour = (0.22, 0.12, 0.06)
    blush: float = 0.5
    jaw: float = 0.58
    nose: float = 0.085
    lip_height: float = 1.0
    brow: float = 0.030
    hair_cut: str = "bob"
    """bob, short or waves"""

    is_stone: bool = False
    has_glasses: bool = False


PEOPLE = (
    Person(
        name="woman",
        skin=(0.64, 0.42, 0.30),
        lips=(0.60, 0.22, 0.20),
        hair=(0.13, 0.08, 0.06),
        cloth=(0.12, 0.30, 0.36),
        backdrop=((0.86, 0.72, 0.52), (0.55, 0.38, 0.25)),
    ),
    Person(
        name="statue",
        skin=(0.70, 0.685, 0.655),
        lips=(0.70, 0.685, 0.655),
        hair=(0.70, 0.685, 0.655),
        cloth=(0.70, 0.685, 0.655),
        backdrop=((0.36, 0.20, 0.17), (0.13, 0.06, 0.06)),
        hair_cut="waves",
        is_stone=True,
    ),
    Person(
        name="man",
        skin=(0.80, 0.60, 0.48),
        lips=(0.70, 0.40, 0.35),
        hair=(0.62, 0.60, 0.57),
        cloth=(0.25, 0.32, 0.24),
        backdrop=((0.56, 0.66, 0.72), (0.28, 0.36, 0.44)),
        iris=(0.20, 0.30, 0.34),
        blush=0.35,
        jaw=0.65,
        nose=0.105,
        lip_height=0.72,
        brow=0.040,
        hair_cut="short",
        has_glasses=True,
    ),
)


def _smooth_min(a: Values, b: Values, width: float) -> Values:
    """The lesser of both, with the corner rounded over `width`."""
    share = np.clip(0.5 + 0.5 * (b - a) / width, 0.0, 1.0)
    return b + (a - b) * share - width * share * (1.0 - share)


def _smooth_max(a: Values, b: Values, width: float) -> Values:
    return -_smooth_min(-a, -b, width)


def _ellipsoid(p: Values, centre: Colour, radii: Colour) -> Values:
    """About the distance from an ellipsoid; exact at its surface."""
    r = np.array(radii, np.float32)
    q = p - np.array(centre, np.float32)
    scaled = np.linalg.norm(q / r, axis=-1)
    slope = np.linalg.norm(q / (r * r), axis=-1)
    return np.asarray(scaled * (scaled - 1.0) / np.maximum(slope, 1e-6))


def _capsule(p: Values, start: Colour, end: Colour, radius: float, last: float) -> Values:
    """The distance from a rod with round ends, whose radius goes from `radius` to `last`."""
    a, b = np.array(start, np.float32), np.array(end, np.float32)
    along = np.clip(((p - a) @ (b - a)) / ((b - a) @ (b - a)), 0.0, 1.0)
    off = np.linalg.norm(p - a - along[..., None] * (b - a), axis=-1)
    return np.asarray(off - (radius + (last - radius) * along))


def _bump(x: Values, width: float) -> Values:
    return np.exp(-((x / width) ** 2))


def _mirrored(p: Values) -> Values:
    """Both halves of a face as its right one."""
    return np.stack([np.abs(p[..., 0]), p[..., 1], p[..., 2]], -1)


def _lip_shapes(person: Person, x: Values, y: Values) -> tuple[Values, Values, Values]:
    """How much of the upper lip, the lower lip and the line between them is at a place, 0 to 1."""
    half = 0.235
    t = np.clip(np.abs(x) / half, 0.0, 1.0)
    inside = np.abs(x) < half
    line = -0.425 + 0.020 * t**2 + 0.004 * np.cos(30 * x) * (1 - t)
    top = line + 0.070 * person.lip_height * (1 - t**1.7) * (1 - 0.22 * _bump(x, 0.035))
    bottom = line - 0.092 * person.lip_height * np.sqrt(1 - t**2)
    edge = 0.012

    def rounded(share: Values) -> Values:
        return np.maximum(0, np.sin(np.pi * np.clip(share, 0, 1))) ** 0.6

    upper = np.clip((top - y) / edge, 0, 1) * np.clip((y - line) / edge + 0.5, 0, 1) * inside
    lower = np.clip((y - bottom) / edge, 0, 1) * np.clip((line - y) / edge + 0.5, 0, 1) * inside
    return (
        upper * rounded((y - line) / np.maximum(top - line, 1e-3)),
        lower * rounded((line - y) / np.maximum(line - bottom, 1e-3)),
        _bump(y - line, 0.011) * inside,
    )


def _face(person: Person, p: Values) -> Values:
    """Skull, jaw, nose, mouth, ears and neck."""
    m = _mirrored(p)
    x, y = p[..., 0], p[..., 1]
    d = _ellipsoid(p, (0, 0.25, -0.08), (0.74, 0.90, 0.86))
    d = _smooth_min(d, _ellipsoid(p, (0, -0.30, 0.12), (person.jaw, 0.62, 0.66)), 0.25)
    d = _smooth_min(d, _ellipsoid(p, (0, -0.68, 0.42), (0.22, 0.18, 0.22)), 0.28)  # chin
    d = _smooth_min(d, _ellipsoid(m, (0.36, -0.16, 0.48), (0.22, 0.20, 0.22)), 0.22)  # cheeks
    d = _smooth_min(d, _ellipsoid(m, (0.28, 0.32, 0.66), (0.20, 0.06, 0.08)), 0.20)  # brows
    d = _smooth_max(d, -_ellipsoid(m, (0.30, 0.12, 0.86), (0.20, 0.13, 0.16)), 0.12)  # sockets
    nose = _capsule(p, (0, 0.22, 0.74), (0, -0.10, 0.93), 0.055, person.nose)
    tip = person.nose + 0.015
    nose = _smooth_min(nose, _ellipsoid(p, (0, -0.14, 0.94), (tip, 0.09, 0.10)), 0.06)
    wings = _ellipsoid(m, (tip - 0.005, -0.165, 0.865), (0.065, 0.055, 0.075))
    d = _smooth_min(d, _smooth_min(nose, wings, 0.05), 0.09)
    d = _smooth_max(d, -_ellipsoid(m, (0.052, -0.225, 0.93), (0.028, 0.03, 0.05)), 0.03)
    d = _smooth_min(d, _ellipsoid(p, (0, -0.42, 0.58), (0.27, 0.17, 0.22)), 0.14)
    upper, lower, line = _lip_shapes(person, x, y)
    d = d - 0.035 * upper - 0.045 * lower + 0.016 * line
    d = d + 0.012 * _bump(x, 0.035) * _bump(y + 0.30, 0.05) * (p[..., 2] > 0)
    ear = _ellipsoid(m, (0.76, 0.02, -0.10), (0.09, 0.22, 0.15))
    hollow = _ellipsoid(m, (0.84, 0.03, -0.04), (0.05, 0.13, 0.08))
    d = _smooth_min(d, _smooth_max(ear, -hollow, 0.04), 0.05)
    d = _smooth_min(d, _capsule(p, (0, -0.6, -0.15), (0, -1.5, -0.28), 0.36, 0.42), 0.16)
    under = _ellipsoid(p, (0, -2.05, -0.32), (1.50, 0.80, 0.60))
    rod = _capsule(p, (-0.85, -1.75, -0.32), (0.85, -1.75, -0.32), 0.33, 0.33)
    d = _smooth_min(d, _smooth_min(under, rod, 0.3), 0.12)
    return _smooth_min(d, _lids(m), 0.045)


def _lid_edges(m: Values) -> tuple[Values, Values, Values]:
    """Height of a place over the middle of its eye, and where both lids end there."""
    y, x = m[..., 1] - _EYE[1], m[..., 0] - _EYE[0]
    return y, 0.062 - 1.5 * x**2 + 0.10 * x, -0.075 + 1.4 * x**2 + 0.06 * x


def _lids(m: Values) -> Values:
    shell = np.linalg.norm(m - np.array(_EYE, np.float32), axis=-1) - (_EYE_RADIUS + 0.022)
    y, upper, lower = _lid_edges(m)
    return _smooth_max(shell, -np.maximum(y - upper, lower - y), 0.012)


def _hair(person: Person, p: Values) -> Values:
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    m = _mirrored(p)
    around = np.arctan2(x, z)
    strands = 0.010 * np.sin(around * 40 + 3 * np.sin(y * 5)) + 0.006 * np.sin(around * 90 + y * 8)
    if person.hair_cut == "bob":
        d = _ellipsoid(p, (0, 0.30, -0.16), (0.88, 0.96, 0.94))
        sides = _ellipsoid(m, (0.64, -0.30, -0.14), (0.27, 0.80, 0.46))
        d = _smooth_min(d, sides, 0.14) - strands
        parting = 0.02 * _bump(x - 0.18, 0.02) * (y > 0.6)
        d = _smooth_max(d, -_ellipsoid(p, (0.06, -0.10, 0.80), (0.60, 0.72, 0.62)), 0.05)
        return _smooth_max(d + parting, -(y + 0.86 + 0.10 * z), 0.05)
    if person.hair_cut == "short":
        d = _ellipsoid(p, (0, 0.32, -0.20), (0.80, 0.92, 0.90)) - 0.7 * strands
        d = _smooth_max(d, -_ellipsoid(p, (0, 0.10, 0.72), (0.66, 0.74, 0.62)), 0.06)
        return _smooth_max(d, -(y + 0.10 + 0.4 * (z + 0.1)), 0.08)
    waves = 0.03 * np.sin(around * 9 + 2 * np.sin(y * 6)) * np.cos(y * 9 + around * 3)
    d = _ellipsoid(p, (0, 0.36, -0.16), (0.84, 0.92, 0.90)) - waves - 0.6 * strands
    d = _smooth_max(d, -_ellipsoid(p, (0, -0.12, 0.80), (0.60, 0.66, 0.62)), 0.06)
    return _smooth_max(d, -(y + 0.35 - 0.5 * np.abs(x)), 0.1)


def _cloth(person: Person, p: Values) -> Values:
    x, y = p[..., 0], p[..., 1]
    d = _ellipsoid(p, (0, -2.05, -0.30), (1.55, 0.82, 0.62))
    rod = _capsule(p, (-0.9, -1.75, -0.3), (0.9, -1.75, -0.3), 0.36, 0.36)
    d = _smooth_min(d, rod, 0.3)
    if person.is_stone:
        folds = 0.03 * np.sin((0.8 * x + 1.6 * y) * 9)
        return _smooth_max(d - folds, -_ellipsoid(p, (0, -1.28, 0.15), (0.50, 0.42, 0.55)), 0.1)
    return _smooth_max(d, -_ellipsoid(p, (0, -1.05, 0.12), (0.50, 0.40, 0.55)), 0.06)


def _glasses(p: Values) -> Values:
    m = _mirrored(p)
    ring = np.hypot((m[..., 0] - 0.31) / 1.08, m[..., 1] - 0.08) - 0.215
    rims = np.hypot(ring, m[..., 2] - 0.885 + 0.35 * (m[..., 0] - 0.2) ** 2) - 0.015
    bridge = _capsule(m, (0, 0.13, 0.93), (0.09, 0.12, 0.885), 0.014, 0.014)
    arms = _capsule(m, (0.545, 0.12, 0.83), (0.80, 0.10, -0.1), 0.016, 0.016)
    return np.minimum(np.minimum(rims, bridge), arms)


def _parts(person: Person, p: Values) -> Values:
    """(5, N) distances from skin, eyes, hair, cloth and glasses."""
    eyes = np.linalg.norm(_mirrored(p) - np.array(_EYE, np.float32), axis=-1) - _EYE_RADIUS
    glasses = _glasses(p) if person.has_glasses else np.full_like(eyes, 9.0)
    return np.stack([_face(person, p), eyes, _hair(person, p), _cloth(person, p), glasses])


def _distance(person: Person, p: Values) -> Values:
    return np.asarray(_parts(person, p).min(0))


def _traced(person: Person, rays: Values) -> tuple[Values, Values]:
    """How far along each ray the first surface is, and whether there is one."""
    camera = np.array([0, 0, _CAMERA_Z], np.float32)
    far = np.full(len(rays), 4.6, np.float32)
    hit = np.zeros(len(rays), bool)
    going = np.arange(len(rays))
    for step in range(_STEPS):
        left = _distance(person, camera + rays[going] * far[going, None])
        far[going] += 0.8 * left
        near = np.abs(left) < (_NEAR if step < _STEPS // 2 else 4 * _NEAR)
        hit[going[near]] = True
        going = going[~near & (far[going] < _FAR)]
        if len(going) == 0:
            break
    return far, hit


def _normals(person: Person, p: Values) -> Values:
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
    n = np.zeros_like(p)
    for corner in corners:
        n += corner * _distance(person, p + 0.003 * corner)[:, None]
    return np.asarray(n / np.linalg.norm(n, axis=-1, keepdims=True))


def _marble(person: Person, p: Values, part: Values) -> Values:
    """White stone with veins; irises are carved, as the Romans did."""
    rng = np.random.default_rng(5)
    vein = np.zeros(len(p), np.float32)
    for scale in (1.3, 2.9, 6.1, 12.7):
        a, b, _ = rng.normal(size=(3, 3)).astype(np.float32)
        vein += np.abs(np.sin(scale * (p @ a) + 2 * np.sin(0.7 * scale * (p @ b)))) / scale
    colour = np.array(person.skin, np.float32) - 0.20 * np.exp(-2.2 * vein)[:, None]
    r = np.hypot(np.abs(p[:, 0]) - 0.985 * _EYE[0], p[:, 1] - _EYE[1])
    ring = np.clip((0.080 - r) / 0.012, 0, 1) * np.clip((r - 0.062) / 0.012, 0, 1)
    carved = (ring + np.clip((0.036 - r) / 0.012, 0, 1)) * (part == _EYES)
    line = _lip_shapes(person, p[:, 0], p[:, 1])[2] * (p[:, 2] > 0.4)
    return np.asarray((colour - 0.38 * carved[:, None]) * (1 - 0.35 * line[:, None]))


def _painted(person: Person, p: Values, part: Values) -> Values:
    """Colours of skin, lips, brows, lashes, eyes, hair, cloth and glasses."""
    x, y, z = p.T
    m = np.abs(x)
    front = z > 0.3
    hair = np.array(person.hair, np.float32)
    colour = np.broadcast_to(np.array(person.skin, np.float32), p.shape).copy()
    red = np.array([0.16, -0.02, -0.01], np.float32)
    warm = person.blush * _bump(m - 0.40, 0.16) * _bump(y + 0.17, 0.13) * front
    warm += 0.35 * _bump(x, 0.10) * _bump(y + 0.15, 0.07) * (z > 0.7)
    colour += warm[:, None] * red
    upper, lower, line = (each * (z > 0.4) for each in _lip_shapes(person, x, y))
    on_lips = np.clip((upper + lower) * 1.6, 0, 1)[:, None]
    colour += on_lips * (np.array(person.lips, np.float32) - colour)
    colour *= 1 - 0.55 * line[:, None]
    across = (m - 0.30) / 0.20
    arc = 0.335 + 0.035 * (1 - across**2) - 0.01 * across
    thick = person.brow * (1 - 0.5 * np.clip(across, 0, 1))
    brow = np.clip(1.3 - np.abs(y - arc) / thick, 0, 1) * np.clip((1.05 - np.abs(across)) * 8, 0, 1)
    brow = brow * front * (0.8 + 0.2 * np.sin(240 * x + 160 * y))
    colour += brow[:, None] * (0.8 * hair - colour)
    over, lid, _ = _lid_edges(np.stack([m, y, z], -1))
    lash = _bump(over - lid - 0.004, 0.010) * (np.abs(m - _EYE[0]) < 0.17) * (z > 0.6)
    dark = np.array([0.09, 0.06, 0.05], np.float32)
    colour += 0.85 * lash[:, None] * (dark - colour)
    shine = 0.03 * np.sin(np.arctan2(x, z) * 60 + 4 * np.sin(y * 5))
    colour[part == _HAIR] = hair + shine[part == _HAIR, None]
    colour[part == _CLOTH] = person.cloth
    colour[part == _GLASSES] = (0.10, 0.07, 0.06)
    on = part == _EYES
    colour[on] = _eyeball(person, p[on])
    return colour


def _eyeball(person: Person, p: Values) -> Values:
    off_x = p[:, 0] - np.sign(p[:, 0]) * 0.985 * _EYE[0]
    off_y = p[:, 1] - _EYE[1]
    r = np.hypot(off_x, off_y)
    rays = 1 + 0.14 * np.sin(24 * np.arctan2(off_y, off_x)) + 0.9 * np.clip(-off_y / 0.08, 0, 1)
    ring = 1 - 0.55 * np.clip((r - 0.058) / 0.02, 0, 1)
    iris = np.array(person.iris, np.float32) * (rays * ring)[:, None]
    in_iris = np.clip((0.078 - r) / 0.008, 0, 1)[:, None]
    in_pupil = np.clip((0.034 - r) / 0.006, 0, 1)[:, None]
    colour = np.array([0.86, 0.84, 0.82], np.float32) * (1 - in_iris) + iris * in_iris
    return np.asarray(colour * (1 - in_pupil) + 0.015 * in_pupil)


def _unit(vector: Colour) -> Values:
    v = np.array(vector, np.float32)
    return v / np.linalg.norm(v)


def _shadow(person: Person, p: Values, towards: Values) -> Values:
    """Share of a lamp's light that comes to each place, with soft edges."""
    share = np.ones(len(p), np.float32)
    far = np.full(len(p), 0.05, np.float32)
    for _ in range(24):
        d = _distance(person, p + towards * far[:, None])
        share = np.minimum(share, np.clip(0.5 + 3.5 * d / far, 0, 1))
        far += np.clip(d, 0.03, 0.2)
    return share * share * (3 - 2 * share)


def _openness(person: Person, p: Values, n: Values) -> Values:
    """Share of the surroundings' light: less in hollows."""
    share = np.ones(len(p), np.float32)
    for far, weight in ((0.04, 0.30), (0.12, 0.22), (0.28, 0.18)):
        share -= weight * (1 - np.clip(_distance(person, p + n * far), 0, far) / far)
    return np.clip(share, 0.15, 1)


def _lit(person: Person, p: Values, view: Values) -> Values:
    """Linear light that comes from each place to the camera."""
    part = _parts(person, p).argmin(0)
    n = _normals(person, p)
    colour = (_marble if person.is_stone else _painted)(person, p, part)
    key, fill, rim = _unit(_KEY), _unit(_FILL), _unit(_RIM)
    shadow = _shadow(person, p + 0.01 * n, key)
    open_share = _openness(person, p, n)[:, None]
    wrap = 0.25 if person.is_stone else 0.35
    diffuse = np.clip((n @ key + wrap) / (1 + wrap), 0, 1) ** 1.2
    # In skin red light goes further than blue: its shadows have warm edges.
    deep = np.array([1, 1, 1] if person.is_stone else [1.0, 0.55, 0.42], np.float32)
    cool = np.array([0.62, 0.74, 0.95], np.float32)
    light = 1.45 * (diffuse[:, None] * shadow[:, None] ** (1 / (0.6 + 0.6 * deep)))
    light = light * np.array([1.0, 0.95, 0.88], np.float32)
    light += 0.30 * np.clip(0.5 * (n @ fill) + 0.5, 0, 1)[:, None] * cool * open_share
    light += 0.15 * (1 + n[:, 1:2]) * open_share * np.array([0.9, 0.95, 1.0], np.float32)
    half = key + view
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    facing = np.clip((n * half).sum(-1), 0, 1)
    kinds = [part == kind for kind in (_EYES, _HAIR, _CLOTH, _GLASSES)]
    gloss = np.select(kinds, [2.2, 0.16, 0.02, 0.5], 0.10)
    power = np.select(kinds, [180, 22, 10, 60], 30 if person.is_stone else 22)
    if not person.is_stone:
        lower = _lip_shapes(person, p[:, 0], p[:, 1])[1] * (p[:, 2] > 0.4)
        gloss = gloss + 0.22 * np.clip(lower, 0, 1)
    edge = np.clip(n @ rim, 0, 1) * np.clip(1 - (n * view).sum(-1), 0, 1) ** 1.5
    out = colour**2 * light + (gloss * facing**power * shadow)[:, None]
    return np.asarray(out + 0.22 * edge[:, None] * cool)


def drawn(person: Person, width: int, height: int) -> Image.Image:
    """The portrait, from `_SAMPLES`² rays for each pixel."""
    w, h = width * _SAMPLES, height * _SAMPLES
    rows, columns = np.mgrid[0:h, 0:w].astype(np.float32)
    u, v = (columns + 0.5) / w * 2 - 1, 1 - (rows + 0.5) / h * 2
    there = np.stack([u * _HALF_HEIGHT * w / h, v * _HALF_HEIGHT + _CENTRE_Y, 0 * u], -1)
    rays = (there - np.array([0, 0, _CAMERA_Z], np.float32)).reshape(-1, 3)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    far, hit = _traced(person, rays)
    out = np.clip(np.hypot(0.9 * u + 0.15, 0.8 * v - 0.2) / 1.5, 0, 1).reshape(-1, 1)
    near_colour, far_colour = (np.array(each, np.float32) for each in person.backdrop)
    light = (near_colour * (1 - out) + far_colour * out) ** 2
    seen = np.array([0, 0, _CAMERA_Z], np.float32) + rays[hit] * far[hit, None]
    light[hit] = _lit(person, seen, -rays[hit])
    toned = np.clip(light / (1 + 0.18 * light), 0, 1).reshape(height, _SAMPLES, width, _SAMPLES, 3)
    picture = np.sqrt(toned.mean((1, 3)))
    grain = np.random.default_rng(1).normal(0, 0.006, (height, width, 1))
    return Image.fromarray((np.clip(picture + grain, 0, 1) * 255).astype(np.uint8))


def small(portrait: Image.Image) -> Image.Image:
    """The head, square, for the card of an example."""
    side = round(0.86 * portrait.width)
    left, top = (portrait.width - side) // 2, round(0.03 * portrait.height)
    return portrait.crop((left, top, left + side, top + side)).resize((SMALL_PX, SMALL_PX))


def main() -> None:
    """Draw all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", metavar="NAME")
    wanted = parser.parse_args().only
    SMALL.mkdir(parents=True, exist_ok=True)
    for person in PEOPLE:
        if wanted is not None and person.name not in wanted:
            continue
        portrait = drawn(person, *SIZE_PX)
        portrait.save(FOLDER / f"{person.name}.jpg", quality=_JPEG_QUALITY, optimize=True)
        small(portrait).save(SMALL / f"{person.name}.webp", quality=SMALL_QUALITY, method=6)
        print(FOLDER / f"{person.name}.jpg")


if __name__ == "__main__":
    main()
