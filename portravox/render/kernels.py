"""The inner loops of the renderer, compiled.

Flow      rig.deform -> render.kernels -> render.scene

Readable versions stand in render.reference; a test holds the two together.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, Int32, UInt8, UInt16
from portravox.compiled_code import compiled

FAR = np.float32(1e30)


@compiled(fastmath=True)
def rasterize(
    vertices: Float32,
    attributes: Float32,
    triangles: Int32,
    x0: float,
    y0: float,
    step: float,
    nodes: Float32,
    depth: Float32,
) -> None:
    """Interpolate attributes over a mesh at the nodes of a grid, nearest triangle first.

    vertices    (V, 3) px; smaller z is nearer
    attributes  (V, 3)
    triangles   (F, 3)
    x0, y0      picture position of node (0, 0)
    step        distance between nodes, px
    nodes       (h, w, 3) written where a triangle covers the node; else left as it is
    depth       (h, w) cleared to FAR by the caller
    """
    height, width = depth.shape
    inv_step = np.float32(1.0 / step)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax = (vertices[a, 0] - x0) * inv_step
        ay = (vertices[a, 1] - y0) * inv_step
        bx = (vertices[b, 0] - x0) * inv_step
        by = (vertices[b, 1] - y0) * inv_step
        cx = (vertices[c, 0] - x0) * inv_step
        cy = (vertices[c, 1] - y0) * inv_step
        top = min(ay, by, cy)
        bottom = max(ay, by, cy)
        left = min(ax, bx, cx)
        right = max(ax, bx, cx)
        if bottom < 0 or right < 0 or top > height - 1 or left > width - 1:
            continue
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if -1e-9 < area < 1e-9:
            continue
        inv = np.float32(1.0) / area
        first_y = max(0, int(np.ceil(top)))
        last_y = min(height - 1, int(np.floor(bottom)))
        first_x = max(0, int(np.ceil(left)))
        last_x = min(width - 1, int(np.floor(right)))
        la_dx = (by - cy) * inv
        lb_dx = (cy - ay) * inv
        za, zb, zc = vertices[a, 2], vertices[b, 2], vertices[c, 2]
        for y in range(first_y, last_y + 1):
            la = ((by - cy) * (first_x - cx) + (cx - bx) * (y - cy)) * inv
            lb = ((cy - ay) * (first_x - cx) + (ax - cx) * (y - cy)) * inv
            for x in range(first_x, last_x + 1):
                lc = np.float32(1.0) - la - lb
                if la >= -1e-4 and lb >= -1e-4 and lc >= -1e-4:
                    z = la * za + lb * zb + lc * zc
                    if z < depth[y, x]:
                        depth[y, x] = z
                        for k in range(3):
                            nodes[y, x, k] = (
                                la * attributes[a, k]
                                + lb * attributes[b, k]
                                + lc * attributes[c, k]
                            )
                la += la_dx
                lb += lb_dx


LIGHT_UNIT = 4096
"""The brightness factor 1, as `compose` counts it."""


@compiled(fastmath=True)
def compose(
    looked_up: UInt8,
    light: UInt16,
    plate: UInt8,
    plate_x: int,
    plate_y: int,
    frame: UInt8,
    x0: int,
    y0: int,
) -> None:
    """Relight the moving layer and lay it over the plate, into a rectangle of the frame.

    looked_up  (h, w, 4) red, green, blue, matte of the moving layer at each pixel
    light      (h, w) brightness factor, LIGHT_UNIT is 1
    plate      (H', W', 3); its pixel (plate_y, plate_x) lies under the first pixel
    frame      (H, W, 3); written from (x0, y0)
    """
    height, width = light.shape
    for y in range(height):
        _compose_row(
            looked_up[y].reshape(-1),
            light[y],
            plate[plate_y + y, plate_x : plate_x + width].reshape(-1),
            frame[y0 + y, x0 : x0 + width].reshape(-1),
        )


@compiled(fastmath=True)
def _compose_row(looked_up: UInt8, light: UInt16, plate: UInt8, frame: UInt8) -> None:
    """One row, flat and without branches: so the compiler does 8 pixels at a time."""
    half, shift, full = np.uint32(LIGHT_UNIT // 2), np.uint32(12), np.uint32(255)
    for x in range(light.shape[0]):
        factor = np.uint32(light[x])
        matte = np.uint32(looked_up[4 * x + 3])
        gap = full - matte
        for c in range(3):
            lit = min((np.uint32(looked_up[4 * x + c]) * factor + half) >> shift, full)
            below = np.uint32(plate[3 * x + c])
            frame[3 * x + c] = np.uint8((lit * matte + below * gap + np.uint32(127)) // full)
