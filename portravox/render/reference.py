"""What render.kernels, render.eye_pass and render.interior compute, written to be read.

Flow      nothing runs through here; tests/render/test_reference.py and test_kernels.py compare

Whole arrays instead of loops, and double precision.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64, Int32, UInt8
from portravox.ramps import smoothstep
from portravox.render.eye_pass import (
    FOLD_LEAST_MM,
    FOLD_PER_FALL,
    FULL_BY_MOVED,
    LID_SHADOW_MM,
    RIGID_MM,
    SLIDE_LEAST_MM,
    SLIDE_PER_FALL,
    STEEP,
    EyeLayers,
    EyeState,
)
from portravox.render.interior import (
    CORNER_SHADE,
    CORNER_SHADE_MM,
    CORNER_WALL_MM,
    DARK_AT_TOP,
    DARK_BELOW,
    GLOSS_MM,
    GLOSS_WIDTH_MM,
    GRAIN_OFFSET,
    LOWER_LIP_SHADE,
    LOWER_LIP_SHADE_MM,
    NEARLY_ALL,
    OPENED_FROM_CORNER_MM,
    OPENED_MM,
    RIM_MM,
    RIM_SHADE,
    UPPER_LIP_SHADE,
    UPPER_LIP_SHADE_MM,
    Layer,
    LipLine,
    Shades,
)
from portravox.render.lids import LOWER_SPREAD_MM


def rasterize(
    vertices: Float32, attributes: Float32, triangles: Int32, nodes_at: Float64, nodes: Float32
) -> Float32:
    """Attributes of the nearest triangle at each node of a grid.

    vertices    (V, 3) px; smaller z is nearer
    attributes  (V, K)
    triangles   (F, 3)
    nodes_at    (h, w, 2) picture positions of the nodes
    nodes       (K, h, w) what stands where no triangle covers a node
    returns     (K, h, w)
    """
    out = nodes.copy()
    nearest = np.full(nodes.shape[1:], np.inf)
    for corners in triangles:
        flat = vertices[corners, :2].astype(np.float64)  # (3, 2)
        system = np.vstack([flat.T, np.ones(3)])
        if abs(np.linalg.det(system)) < 1e-9:
            continue
        at = np.concatenate([nodes_at, np.ones((*nodes_at.shape[:2], 1))], axis=-1)
        share = at @ np.linalg.inv(system).T  # (h, w, 3) barycentric
        depth = share @ vertices[corners, 2]
        seen = (share >= -1e-4).all(axis=-1) & (depth < nearest)
        nearest[seen] = depth[seen]
        out[:, seen] = (share @ attributes[corners])[seen].T
    return out


def draw_plane(
    places: Float64, light: Float64, film: UInt8, zero: int, matte: Float64, behind: UInt8
) -> Float64:
    """One plane of a frame: the moving layer, relit, over what lies behind.

    places   (h, w, 2) x, y in the film
    light    (h, w) brightness factor
    film     (H, W)
    zero     value of the film that stands for no light or no colour
    matte    (h, w) 0..1 how far the film hides what lies behind
    behind   (h, w)
    returns  (h, w)
    """
    looked_up = _looked_up(film[..., None], places[..., 1], places[..., 0], margin=1)[..., 0]
    lit = np.clip((looked_up - zero) * light + zero, 0, 255)
    mixed: Float64 = lit * matte + behind * (1 - matte)
    return mixed


def draw_eye(
    before: UInt8, to_view: Float32, lids: Float32, eye: EyeState, layers: EyeLayers
) -> Float64:
    """What eye_pass.draw_eye makes of a rectangle of the frame. Arguments as there.

    returns  (h, w, 3) 0..255
    """
    height, width = before.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    u, v = np.tensordot(to_view.astype(np.float64), powers, 1)
    view_h, view_w = layers.window.shape
    inside = (u >= 1) & (v >= 1) & (u <= view_w - 3) & (v <= view_h - 3)
    u, v = np.where(inside, u, 1), np.where(inside, v, 1)
    allowed = np.where(inside, layers.window[v.astype(int), u.astype(int)] / 255, 0)
    upper, lower, shut, upper_now, lower_now = (_along(row, u) for row in lids[:STEEP])
    above, gap, mm = upper_now - v, lower_now - upper_now, float(eye.mm)

    # which skin of the open eye is here, and of the shut one
    rigid = RIGID_MM * mm
    fallen, risen = upper_now - upper, lower_now - lower
    room = np.maximum(SLIDE_PER_FALL * np.abs(fallen), SLIDE_LEAST_MM * mm)
    of_upper = (above > 0) | (v < (upper_now + lower_now) / 2)
    gone = np.where(
        of_upper,
        fallen * (1 - smoothstep(0, 1, (above - rigid) / room)),
        risen * (1 - smoothstep(0, 1, (v - lower_now - rigid) / (LOWER_SPREAD_MM * mm))),
    )
    inset = eye.softness / 2
    skin_v = np.where(
        of_upper, np.minimum(v - gone, upper - inset), np.maximum(v - gone, lower + inset)
    )
    fold = np.maximum(FOLD_PER_FALL * fallen, FOLD_LEAST_MM * mm) + rigid
    still = np.maximum(shut - upper_now, 0) * (1 - smoothstep(0, 1, (above - rigid / 2) / fold))
    shut_v = np.where(above > 0, v + still, v)
    narrow = np.maximum(1 - gap / mm, 0)
    in_corner = np.maximum(eye.shut_below, eye.shut_share * narrow)
    shut_now = np.where((above < 0) & (eye.shut_share > 0), in_corner, eye.shut_share)

    # how much of skin, eyeball and lashes is seen
    between = np.clip(0.5 - above * lids[STEEP, u.astype(int)] / eye.softness, 0, 1)
    between *= np.clip(0.5 + (lower_now - v) / eye.softness, 0, 1)
    between *= np.minimum(gap / eye.softness, 1)
    skin_share = np.maximum(np.minimum(FULL_BY_MOVED * np.abs(gone), 1), shut_now)
    skin_share = skin_share * allowed * (1 - between)
    ball_share = between * eye.ball_share * allowed
    root = float(eye.root)
    hanging = np.where(above > -root, -above, root + (-above - root) * float(eye.per_hang))
    lash_v = float(eye.lash_row) + hanging
    lash = _looked_up(layers.lashes[..., None], lash_v, u)[..., 0] * eye.lash_share * allowed
    lash = np.where((lash_v > 0) & (lash_v < len(layers.lashes) - 2), lash, 0)

    light = (eye.light + eye.light_x * u + eye.light_y * v)[..., None]
    skin = _looked_up(layers.open_skin, skin_v, u)
    skin = skin + (_looked_up(layers.shut_skin, shut_v, u) - skin) * shut_now[..., None]
    stands = np.maximum(above, float(inset))
    stands = np.where(stands < root, stands, root + (stands - root) * float(eye.per_raise))
    raised = _looked_up(layers.raised, stands, u)
    raised = raised * np.where(raised < 0, eye.raised_share, eye.light_share)
    shown = of_upper & (stands < len(layers.raised) - 2) & (eye.raised_share > 0)
    skin = skin * (1 + np.where(shown[..., None], raised, 0))
    iris = _looked_up(layers.iris, v - eye.gaze_y, u - eye.gaze_x)
    ball = _looked_up(layers.white, v, u) * (1 - iris[..., 3:]) + iris[..., :3]
    follow = eye.glint_follow
    ball = ball + _looked_up(layers.glint, v - eye.gaze_y * follow, u - eye.gaze_x * follow)
    shade = 1 - eye.shadow * (1 - np.clip(-above / (LID_SHADOW_MM * mm), 0, 1)) ** 2
    value = before.astype(np.float64)
    for colour, share in (
        (skin * light, skin_share),
        (ball * light * shade[..., None], ball_share),
        (layers.lash_colour * light, lash),
    ):
        value = value + (colour - value) * share[..., None]
    return np.clip(value, 0, 255)


def paint_interior(
    frame: UInt8,
    lips: LipLine,
    shades: Shades,
    upper: Layer,
    lower: Layer,
    tongue: Layer,
    photo: Layer,
    grain: Float32,
) -> Float64:
    """What interior.paint_interior makes of a whole frame. Arguments as there.

    returns  (H, W, 3) 0..255
    """
    height, width = frame.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    dx, dy = x - lips.origin[0], y - lips.origin[1]
    s = dx * lips.along[0] + dy * lips.along[1]
    t = dy * lips.along[0] - dx * lips.along[1]
    place = s - lips.first_s
    table = lips.table.astype(np.float64)
    above, below, _, _, touch = (_along(row, place) for row in table.T)
    row = np.clip(place.astype(int), 0, len(table) - 1)
    under_upper, over_lower = (t - above) * table[row, 2], (below - t) * table[row, 3]
    reach = 3 * (RIM_MM * shades.mm + shades.edge_px)
    painted = (place >= 0) & (place < len(table) - 1)
    painted &= (under_upper >= -reach) & (over_lower >= -reach)
    soft = 2 * shades.edge_px
    cover = smoothstep(-soft, soft, under_upper) - smoothstep(-soft, soft, -over_lower)
    cover = np.maximum(cover, 0)
    corner = np.maximum(np.minimum(s, lips.width - s), 0) / shades.mm

    # light that reaches a place, less the deeper it lies under lips and in corners
    deep_u, deep_l = np.maximum(under_upper, 0) / shades.mm, np.maximum(over_lower, 0) / shades.mm
    shade = np.full_like(s, shades.narrow)
    for distance, share, reach_mm in (
        (deep_u, UPPER_LIP_SHADE, UPPER_LIP_SHADE_MM),
        (deep_l, LOWER_LIP_SHADE, LOWER_LIP_SHADE_MM),
        (corner, CORNER_SHADE, CORNER_SHADE_MM),
    ):
        shade *= 1 - share / (1 + distance / reach_mm + (distance / reach_mm) ** 2)
    lit = _warm_shade(1 - (1 - shade) * shades.upper, shades.falloff)

    # from the back to the front: the dark, tongue and lower teeth, upper teeth, grain
    depth = (DARK_AT_TOP + DARK_BELOW * deep_u / (deep_u + deep_l + 1))[..., None]
    wall = (1 / (1 + (corner / CORNER_WALL_MM) ** 2))[..., None]
    colour = shades.cavity * depth
    colour = colour + (shades.contact - colour) * wall
    layers = [(tongue, shades.tongue), (lower, 1.0)]
    for layer, brightness in layers if shades.tongue_in_front < 0.5 else layers[::-1]:
        taken = _laid(layer, x, y)
        colour = colour * (1 - taken[..., 3:]) + taken[..., :3] * brightness
    teeth = _laid(upper, x, y)
    hidden = np.where(teeth[..., 3:] < NEARLY_ALL, 1 - teeth[..., 3:], 0)
    colour = teeth[..., :3] * lit + colour * hidden * _warm_shade(shade, shades.falloff)
    look = upper.lookup.astype(np.float64)
    gx, gy = (
        (look[k, 0] * x + look[k, 1] * y + look[k, 2] + GRAIN_OFFSET).astype(int) % len(grain)
        for k in range(2)
    )
    colour = colour + (grain[gy, gx] * shades.grain)[..., None]
    if shades.photographed > 0:
        colour = colour + (_laid(photo, x, y)[..., :3] - colour) * shades.photographed

    # rims that turn away, the wet line, the inside, and the line where lips touch
    opened = np.clip(np.maximum(below - above, 0) / shades.mm / OPENED_MM, 0, 1)
    opened *= np.minimum(corner / OPENED_FROM_CORNER_MM, 1)
    outside = np.maximum(-np.minimum(under_upper, over_lower), 0)
    rim = outside / (RIM_MM * shades.mm + shades.edge_px)
    off = (-over_lower - GLOSS_MM * shades.mm) / (GLOSS_WIDTH_MM * shades.mm + shades.edge_px)
    wet = np.where(over_lower < 0, shades.gloss * opened * np.exp(-off * off), 0)
    skin = np.where(cover < NEARLY_ALL, 1 - RIM_SHADE * opened * np.exp(-rim * rim) + wet, 1)
    middle = ((above + below) / 2 - t) / shades.contact_px
    touch = touch * np.exp(-middle * middle / 2)
    value = frame * skin[..., None]
    value = value + (colour - value) * cover[..., None]
    value = value + (shades.contact - value) * touch[..., None]
    return np.where(painted[..., None], np.clip(value, 0, 255), frame)


def _warm_shade(shade: Float64, falloff: Float32) -> Float64:
    """(h, w, 3) light of each colour where brightness is `shade`, (h, w)."""
    level = shade[..., None]
    warm: Float64 = level * (1 - falloff * (1 - level))
    return warm


def _laid(layer: Layer, x: Float64, y: Float64) -> Float64:
    """(h, w, 4) what a layer shows at frame positions; clear beyond its border."""
    look = layer.lookup.astype(np.float64)
    u, v = (look[k, 0] * x + look[k, 1] * y + look[k, 2] for k in range(2))
    height, width = layer.pixels.shape[:2]
    inside = (u >= 0) & (v >= 0) & (u < width - 1) & (v < height - 1)
    shown: Float64 = np.where(inside[..., None], _looked_up(layer.pixels, v, u, margin=1), 0)
    return shown


def _looked_up(pixels: AnyFloat | UInt8, v: Float64, u: Float64, margin: int = 2) -> Float64:
    """(h, w, C) bilinear look-up at rows v and columns u.

    margin  positions are kept so many pixels within the right and lower border
    """
    height, width = pixels.shape[:2]
    v, u = np.clip(v, 0, height - margin), np.clip(u, 0, width - margin)
    row, column = np.floor(v).astype(int), np.floor(u).astype(int)
    below, right = np.minimum(row + 1, height - 1), np.minimum(column + 1, width - 1)
    down, aside = (v - row)[..., None], (u - column)[..., None]
    upper = pixels[row, column] * (1 - aside) + pixels[row, right] * aside
    lower = pixels[below, column] * (1 - aside) + pixels[below, right] * aside
    between: Float64 = upper * (1 - down) + lower * down
    return between


def _along(row: AnyFloat, place: Float64) -> Float64:
    """(h, w) what a row of a table says at places between its entries."""
    between: Float64 = np.interp(place, np.arange(len(row)), row)
    return between
