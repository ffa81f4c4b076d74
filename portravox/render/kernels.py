"""The inner loops of the renderer, compiled.

Flow      rig.deform -> render.kernels -> render.scene

Readable versions stand in render.reference; a test holds the two together. Compiled code is kept
beside this file between runs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from portravox.arrays import Float32, Int32, UInt8

FAR = np.float32(1e30)


@njit(cache=True, nogil=True, fastmath=True)
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


@njit(cache=True, nogil=True, fastmath=True)
def warp(
    nodes: Float32,
    step: int,
    x0: int,
    y0: int,
    texture: Int32,
    texture_x0: int,
    texture_y0: int,
    texture_scale: int,
    photo: UInt8,
    plate: UInt8,
    plate_x0: int,
    plate_y0: int,
    frame: UInt8,
    x1: int,
    y1: int,
) -> None:
    """Fill a rectangle of the frame by looking up the photograph where the map says.

    nodes          (h, w, 3) u, v, light: picture position to look at and brightness factor, at
                   every `step`-th pixel from (x0, y0); bilinear in between
    texture        (h, w) the moving layer, 4 bytes each: red lowest, then green, blue, matte
    texture_x0/y0  picture position of its first pixel
    texture_scale  its pixels per picture pixel, 1 or 2
    photo          (H, W, 3) shown where the map moves nothing
    plate          (h, w, 3) shown where the matte lets through, from (plate_x0, plate_y0)
    frame          (H, W, 3) written from (x0, y0) up to (x1, y1)
    """
    rows = (y1 - y0 + step - 1) // step
    columns = (x1 - x0 + step - 1) // step
    inv = np.float32(1.0 / step)
    fixed = np.float32(256.0 * texture_scale)
    last_x = (texture.shape[1] - 1) * 256 - 1
    last_y = (texture.shape[0] - 1) * 256 - 1
    mask = np.int64(0x00FF00FF)
    half = np.int64(0x00800080)
    still = np.float32(1.0 / 64)
    for j in range(rows):
        cell_y0 = y0 + j * step
        cell_y1 = min(cell_y0 + step, y1)
        for i in range(columns):
            cell_x0 = x0 + i * step
            cell_x1 = min(cell_x0 + step, x1)
            moves = False
            for dj in range(2):
                for di in range(2):
                    u = nodes[j + dj, i + di, 0] - (cell_x0 + di * step)
                    v = nodes[j + dj, i + di, 1] - (cell_y0 + dj * step)
                    s = nodes[j + dj, i + di, 2] - np.float32(1.0)
                    if abs(u) > still or abs(v) > still or abs(s) > np.float32(0.002):
                        moves = True
            if not moves:
                for y in range(cell_y0, cell_y1):
                    for x in range(cell_x0, cell_x1):
                        frame[y, x, 0] = photo[y, x, 0]
                        frame[y, x, 1] = photo[y, x, 1]
                        frame[y, x, 2] = photo[y, x, 2]
                continue
            for y in range(cell_y0, cell_y1):
                fy = np.float32(y - cell_y0) * inv
                u = nodes[j, i, 0] + (nodes[j + 1, i, 0] - nodes[j, i, 0]) * fy
                v = nodes[j, i, 1] + (nodes[j + 1, i, 1] - nodes[j, i, 1]) * fy
                s = nodes[j, i, 2] + (nodes[j + 1, i, 2] - nodes[j, i, 2]) * fy
                right_u = nodes[j, i + 1, 0] + (nodes[j + 1, i + 1, 0] - nodes[j, i + 1, 0]) * fy
                right_v = nodes[j, i + 1, 1] + (nodes[j + 1, i + 1, 1] - nodes[j, i + 1, 1]) * fy
                right_s = nodes[j, i + 1, 2] + (nodes[j + 1, i + 1, 2] - nodes[j, i + 1, 2]) * fy
                du = (right_u - u) * inv
                dv = (right_v - v) * inv
                ds = (right_s - s) * inv
                for x in range(cell_x0, cell_x1):
                    tx = np.int64((u - texture_x0) * fixed + np.float32(0.5))
                    ty = np.int64((v - texture_y0) * fixed + np.float32(0.5))
                    tx = min(max(tx, 0), last_x)
                    ty = min(max(ty, 0), last_y)
                    ix = tx >> 8
                    iy = ty >> 8
                    wx = tx & 255
                    wy = ty & 255
                    p00 = np.int64(texture[iy, ix])
                    p01 = np.int64(texture[iy, ix + 1])
                    p10 = np.int64(texture[iy + 1, ix])
                    p11 = np.int64(texture[iy + 1, ix + 1])
                    # two channels at a time: bytes 0 and 2, then bytes 1 and 3
                    top = (((p00 & mask) * (256 - wx) + (p01 & mask) * wx + half) >> 8) & mask
                    low = (((p10 & mask) * (256 - wx) + (p11 & mask) * wx + half) >> 8) & mask
                    red_blue = ((top * (256 - wy) + low * wy + half) >> 8) & mask
                    q00, q01 = (p00 >> 8) & mask, (p01 >> 8) & mask
                    q10, q11 = (p10 >> 8) & mask, (p11 >> 8) & mask
                    top = ((q00 * (256 - wx) + q01 * wx + half) >> 8) & mask
                    low = ((q10 * (256 - wx) + q11 * wx + half) >> 8) & mask
                    green_matte = ((top * (256 - wy) + low * wy + half) >> 8) & mask
                    light = np.int64(s * np.float32(256.0) + np.float32(0.5))
                    red = min(((red_blue & 255) * light + 128) >> 8, 255)
                    green = min(((green_matte & 255) * light + 128) >> 8, 255)
                    blue = min(((red_blue >> 16) * light + 128) >> 8, 255)
                    matte = green_matte >> 16
                    if matte < 255:
                        gap = 255 - matte
                        py, px = y - plate_y0, x - plate_x0
                        red = (red * matte + plate[py, px, 0] * gap + 127) // 255
                        green = (green * matte + plate[py, px, 1] * gap + 127) // 255
                        blue = (blue * matte + plate[py, px, 2] * gap + 127) // 255
                    frame[y, x, 0] = np.uint8(red)
                    frame[y, x, 1] = np.uint8(green)
                    frame[y, x, 2] = np.uint8(blue)
                    u += du
                    v += dv
                    s += ds
