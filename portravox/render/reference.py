"""What render.kernels compute, written to be read.

Flow      nothing runs through here; tests/render/test_kernels.py holds the two together
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from portravox.arrays import Float32, Float64, Int32, UInt8


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
    rows_first = places[..., ::-1].transpose(2, 0, 1)
    looked_up = map_coordinates(film.astype(np.float64), rows_first, order=1, mode="nearest")
    lit = np.clip((looked_up - zero) * light + zero, 0, 255)
    mixed: Float64 = lit * matte + behind * (1 - matte)
    return mixed
