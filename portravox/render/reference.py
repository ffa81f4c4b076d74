"""What render.kernels compute, written to be read.

Flow      nothing runs through here; tests/render/test_kernels.py holds the two together
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, Float64, Int32, UInt8


def rasterize(
    vertices: Float32, attributes: Float32, triangles: Int32, nodes_at: Float64, nodes: Float32
) -> Float32:
    """Attributes of the nearest triangle at each node of a grid.

    vertices    (V, 3) px; smaller z is nearer
    attributes  (V, K)
    triangles   (F, 3)
    nodes_at    (h, w, 2) picture positions of the nodes
    nodes       (h, w, K) what stands where no triangle covers a node
    returns     (h, w, K)
    """
    out = nodes.copy()
    nearest = np.full(nodes.shape[:2], np.inf)
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
        out[seen] = (share @ attributes[corners])[seen]
    return out


def compose(looked_up: UInt8, light: Float64, plate: UInt8) -> UInt8:
    """The moving layer, relit, over the plate.

    looked_up  (h, w, 4) red, green, blue, matte
    light      (h, w) brightness factor
    plate      (h, w, 3)
    returns    (h, w, 3)
    """
    lit = np.minimum(looked_up[..., :3] * light[..., None], 255.0)
    matte = looked_up[..., 3:] / 255.0
    mixed: UInt8 = np.rint(lit * matte + plate * (1 - matte)).astype(np.uint8)
    return mixed
