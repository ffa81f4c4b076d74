"""Teeth and tongue as flat pictures, drawn once per portrait.

Flow      render.mouth (colours, light) -> render.teeth -> render.mouth
Gives     Inlay: premultiplied colour and cover, with the place its origin stands for

Millimetres throughout; x right, y down. Crown sizes: Ash & Nelson, Wheeler's Dental Anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Float64

UPPER_CROWNS = ((8.5, 10.5), (6.5, 9.0), (7.5, 10.0), (7.0, 8.5), (7.0, 8.5), (10.0, 7.5))
LOWER_CROWNS = ((5.0, 9.0), (5.5, 9.5), (7.0, 11.0), (7.0, 8.5), (7.0, 8.0), (11.0, 7.5))
"""Width and height of each crown from the middle outwards."""

UPPER_STEP = (0.0, 0.7, 0.05, 0.8, 1.2, 1.6)
LOWER_STEP = (0.0, 0.0, 0.0, 0.5, 0.9, 1.3)
"""How far each edge stays short of the line on which the middle teeth bite."""

UPPER_ARCH = (27.0, 36.0)
LOWER_ARCH = (24.5, 33.0)
"""Half width and depth of the arch."""

FAR_TINT = np.array([1.0, 1.12, 1.22])
"""How fast red, green and blue fall off on teeth in the shade. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Inlay:
    """A picture to be laid into the mouth."""

    pixels: Float32
    """(h, w, 4) colour times cover, 0..255, and cover, 0..1."""

    origin: tuple[float, float]
    """Pixel that stands at the anchor: the middle of the edge of the teeth, or of the tongue."""

    density: float
    """Pixels per mm."""


def draw_teeth(
    *, upper: bool, enamel: Float64, gum: Float64, slope: Float64, density: float, seed: int
) -> Inlay:
    """One row of teeth seen from the front, its gum behind.

    enamel, gum  (3,) colours in full light, 0..255
    slope        (3,) how brightness changes along x, y, z (Light.coefficients, relative)
    seed         teeth are never quite regular; the same seed draws the same ones
    """
    crowns = UPPER_CROWNS if upper else LOWER_CROWNS
    steps = UPPER_STEP if upper else LOWER_STEP
    half_width, depth = UPPER_ARCH if upper else LOWER_ARCH
    rng = np.random.default_rng(seed)
    reach_x, above, below = 31.0, 15.0, 2.5
    columns, rows = round(2 * reach_x * density), round((above + below) * density)
    x = (np.arange(columns) + 0.5) / density - reach_x
    # y counts from the biting edge towards the gum, whichever jaw it is
    y = above - (np.arange(rows) + 0.5) / density

    edges_x, edges_z = _along_arch([c[0] for c in crowns], half_width, depth)
    cover = np.zeros((rows, columns), np.float32)
    tint = np.zeros((rows, columns), np.float32)
    for side in (-1.0, 1.0):
        for k, (_, height) in enumerate(crowns):
            centre = side * (edges_x[k] + edges_x[k + 1]) / 2
            half = (edges_x[k + 1] - edges_x[k]) / 2 * 0.985 * (1 + rng.normal(0, 0.012))
            back = (edges_z[k] + edges_z[k + 1]) / 2
            lift = steps[k] + abs(rng.normal(0, 0.12))
            tilt = rng.normal(0, 0.012)
            tooth = (x > centre - half - 0.6) & (x < centre + half + 0.6)
            u = (x[tooth][None] - centre - tilt * y[:, None]) / half
            v = (y[:, None] - lift) / height + 0 * u
            # narrow at the gum, widest near the edge, whose corners are round
            width = 0.80 + 0.20 * np.sin(np.pi * np.clip(1 - v, 0, 1) * 0.62)
            bite = 0.13 * np.abs(u / width) ** 5 + (0.05 * (1 - np.abs(u)) if k == 2 else 0.0)
            gum_line = 1.0 - 0.10 * np.abs(u / width) ** 2
            inside = np.minimum.reduce(
                [(width - np.abs(u)) * half, (v - bite) * height, (gum_line - v) * height]
            )
            shape = np.clip(inside * density / 1.2 + 0.5, 0, 1)
            angle = np.arctan2(depth * centre, half_width**2) * 0.9  # which way the arch faces here
            facing = np.stack([np.sin(angle) + 0.45 * u, 0.30 * (0.45 - v), -np.cos(angle) + 0 * u])
            facing /= np.linalg.norm(facing, axis=0)
            lit = 1.0 + np.tensordot(slope, facing, axes=1) + float(slope[2])
            lit = np.clip(lit, 0.55, 1.15)
            far = 0.34 + 0.66 * np.exp(-((back / 10.0) ** 1.4))
            near_edge = np.clip(inside / 0.55, 0, 1)
            shade = lit * far * (0.80 + 0.20 * near_edge)
            shade *= 1 - 0.12 * np.clip((v - 0.5) / 0.5, 0, 1)
            shade *= 1 - 0.08 * np.clip((0.12 - v) / 0.12, 0, 1)  # the edge lets light through
            shade *= 1 + rng.normal(0, 0.015)
            here = cover[:, tooth]
            tint[:, tooth] = np.where(shape > here, shade, tint[:, tooth])
            cover[:, tooth] = np.maximum(here, shape)
    gloss = np.exp(-(((y[:, None] - 5.8) / 1.3) ** 2)) * np.exp(-((np.abs(x)[None] / 8.0) ** 2))
    rgb = enamel * tint[..., None] ** FAR_TINT  # what lies further back is darker and warmer
    rgb = rgb + (255 - rgb) * (0.10 * gloss * (cover > 0.9))[..., None]

    # gum above the crowns; between the teeth it is dark
    gum_from = np.interp(np.abs(x), [0, 8, 15, 22, 28], [10.2, 9.0, 9.2, 8.0, 7.0])
    gum_cover = np.clip((y[:, None] - gum_from[None] + 1.6) / 1.2, 0, 1)
    fade = 0.30 + 0.70 * np.exp(-((np.abs(x) / 15.0) ** 2.0))
    within = (np.abs(x) < edges_x[-1])[None] & (y[:, None] > 0.8)
    between = np.where(within, 0.85, 0.0)
    behind = np.maximum(gum_cover, between) * (np.abs(x) < 29)[None]
    # the gaps between teeth are shaded enamel, not holes
    gap_rgb = (enamel * np.array([0.52, 0.44, 0.42]))[None, None] * fade[None, :, None]
    gum_rgb = gum[None, None] * fade[None, :, None]
    behind_rgb = gap_rgb + (gum_rgb - gap_rgb) * gum_cover[..., None]
    total = cover + behind * (1 - cover)
    colour = rgb * cover[..., None] + behind_rgb * (behind * (1 - cover))[..., None]
    picture = np.dstack([colour, total]).astype(np.float32)
    if not upper:
        picture = picture[::-1]
    edge_row = above if upper else below
    return Inlay(
        np.ascontiguousarray(picture), (reach_x * density - 0.5, edge_row * density - 0.5), density
    )


def draw_tongue(*, colour: Float64, density: float, seed: int) -> Inlay:
    """The tongue lying in the lower arch, seen from the front; its origin is the top middle."""
    reach_x, height = 21.0, 24.0
    x = (np.arange(int(2 * reach_x * density)) + 0.5) / density - reach_x
    y = (np.arange(int(height * density)) + 0.5) / density
    across = np.abs(x)[None] / reach_x
    below = y[:, None] - 2.0 - 6.5 * across**2.4
    cover = np.clip(below / 1.2, 0, 1) * (across < 0.99)
    shade = 0.48 + 0.52 * np.clip(below / 6.0, 0, 1)
    shade = shade * (1 - 0.40 * across**2)
    groove = np.exp(-((x[None] / 1.3) ** 2)) * np.clip((below - 0.8) / 4, 0, 1)
    shade = shade * (1 - 0.13 * groove)
    rng = np.random.default_rng(seed)
    bumps = cv2.GaussianBlur(rng.standard_normal(shade.shape), (0, 0), max(0.6, 0.28 * density))
    shade = shade * (1 + 0.03 * bumps / max(float(bumps.std()), 1e-6))
    wet = 14 * np.exp(-(((below - 3.4) / 1.5) ** 2)) * np.exp(-((across / 0.45) ** 2))
    rgb = colour[None, None] * shade[..., None] + wet[..., None]
    picture = np.dstack([rgb * cover[..., None], cover]).astype(np.float32)
    return Inlay(picture, (reach_x * density - 0.5, 2.0 * density - 0.5), density)


def _along_arch(widths: list[float], half_width: float, depth: float) -> tuple[Float64, Float64]:
    """x and z of the borders between teeth whose widths run along an elliptic arch."""
    angle = np.linspace(0, np.pi / 2, 2000)
    x, z = half_width * np.sin(angle), depth * (1 - np.cos(angle))
    run = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    borders = np.concatenate([[0.0], np.cumsum(widths)])
    return np.interp(borders, run, x), np.interp(borders, run, z)
