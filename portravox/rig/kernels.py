"""The inner loop of the rig, compiled.

Flow      rig.deform (a bent mesh) -> turn_head -> rig.deform

The readable version is `Posed.on_skull`; a test holds the two together.
"""

from __future__ import annotations

from portravox.arrays import Float32
from portravox.compiled_code import compiled


@compiled(fastmath=True)
def turn_head(
    points: Float32,
    rigid: Float32,
    pivot: Float32,
    rotation: Float32,
    shift: Float32,
    distance: float,
) -> None:
    """Turn and shift each point as far as it follows the head, as a camera sees it.

    points    (V, 3) px; overwritten
    rigid     (V,) 1 follows the head, 0 stays
    pivot     (3,) px, the head turns about this
    rotation  (3, 3)
    shift     (3,) px
    distance  of the camera, px
    """
    far = points.dtype.type(distance)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - pivot[0], points[i, 1] - pivot[1], points[i, 2] - pivot[2]
        turned_x = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + shift[0]
        turned_y = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + shift[1]
        turned_z = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + shift[2]
        nearer = far / (far + turned_z - z)
        points[i, 0] += rigid[i] * (turned_x * nearer - x)
        points[i, 1] += rigid[i] * (turned_y * nearer - y)
        points[i, 2] += rigid[i] * (turned_z - z)
