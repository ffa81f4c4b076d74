"""One person's picture, ready to be redrawn frame by frame.

Flow      rig.fit, render.light, render.backdrop, render.mouth, render.eyes -> Scene
          rig.deform -> Painter -> frames

A Scene is made once per portrait and never changes; a Painter holds the buffers of one video.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Int32, UInt8
from portravox.render.backdrop import Layers, Texture, lip_texture, split_layers
from portravox.render.drawing import Box
from portravox.render.eyes import EyePaint, paint_eye, prepare_eyes
from portravox.render.kernels import FAR, LIGHT_UNIT, compose, rasterize
from portravox.render.light import Light, estimate_light
from portravox.render.mouth import MouthPaint, paint_mouth, prepare_mouth
from portravox.rig.deform import Posed
from portravox.rig.fit import Rig

NODES_PER_FACE = 140
"""The map from frame to photograph is computed at about so many nodes across the face and is
smooth between them; at lips and lids, where it tears, it is computed for every pixel."""

BAND_NODES = 16
"""Rows of nodes to a band. A band is redrawn only as far to its sides as anything moves there."""

LEAST_FOLLOWING = 0.004
"""Parts that follow the head by less move by less than a quarter of a pixel in a close-up."""

REACH_FW = 0.12
"""How far the outline of head and hair may travel, in face widths."""

TEAR_MARGIN_MM = 4.0
"""Around mouth and lids the map is computed for every pixel."""

LID_TEARS_FROM = 0.3
"""Share of a blink from which a coarse map would smear the white of the eye between the lids."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything about one portrait that does not change from frame to frame."""

    rig: Rig
    photo: UInt8
    """(H, W, 3)"""
    layers: Layers
    lips: Texture
    """The part of the moving layer around the mouth, nothing but lips and skin in it."""
    light: Light
    mouth: MouthPaint
    eyes: tuple[EyePaint, EyePaint]
    step: int
    """Distance of the map's nodes, px."""
    bands: tuple[Box, ...]
    """All that ever differs from the photograph lies in these."""
    texture_places: Float32
    """(V + S, 2) px where each vertex finds its texture; strips of the mouth at their own lip."""
    resting_places: Float32
    """The same while the mouth is as photographed: its strips simply continue, too."""


def prepare_scene(rig: Rig, photo: UInt8, matte: Float32) -> Scene:
    """Prepare one portrait: photo (H, W, 3), person matte (H, W) 0..1."""
    mesh = rig.mesh
    own = rig.rest[mesh.strip_edge, :2]
    middle = (rig.rest[mesh.strip_upper, :2] + rig.rest[mesh.strip_lower, :2]) / 2
    # lips carry their own edge into the hole; eyes are photographed open and simply continue
    strips = np.concatenate([own[: mesh.mouth_strips], middle[mesh.mouth_strips :]])
    eyes = prepare_eyes(rig, photo)
    light = estimate_light(rig, photo)
    layers = split_layers(rig, photo, matte)
    step = int(np.clip(round(rig.width_px / NODES_PER_FACE), 1, 6))
    return Scene(
        rig=rig,
        photo=photo,
        layers=layers,
        lips=lip_texture(rig, photo, layers),
        light=light,
        mouth=prepare_mouth(rig, photo, eyes, light),
        eyes=eyes,
        step=step,
        bands=_moving_bands(rig, layers, step),
        texture_places=np.concatenate([rig.rest[:, :2], strips]).astype(np.float32),
        resting_places=np.concatenate([rig.rest[:, :2], middle]).astype(np.float32),
    )


class Painter:
    """Draws frames of one scene into one buffer."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._frame = scene.photo.copy()
        self._at_rest = True
        self._map = _Map(scene.rig.region, scene.step, scene.bands)

    def paint(self, posed: Posed) -> UInt8:
        """The frame of one pose, (H, W, 3). Valid until the next call."""
        scene = self._scene
        still = np.array_equal(posed.vertices[: len(scene.rig.rest)], scene.rig.rest)
        if still and not posed.gazes:
            if not self._at_rest:
                np.copyto(self._frame, scene.photo)
                self._at_rest = True
            return self._frame
        self._at_rest = False
        attributes = np.empty((len(posed.vertices), 3), np.float32)
        # a mouth that does nothing is shown as photographed, whatever is seen between its lips
        attributes[:, :2] = scene.texture_places if posed.speech > 0 else scene.resting_places
        factors = scene.light.factors(posed.rotation)
        attributes[: len(factors), 2] = factors
        attributes[len(factors) :, 2] = factors[scene.rig.mesh.strip_edge]
        self._map.draw(scene, posed, attributes, scene.layers.texture, self._frame)
        if posed.speech > 0:
            self._draw_torn(posed, attributes, scene.rig.mesh.mouth, scene.lips)
        for eye in scene.eyes:
            if posed.blink[eye.side] > LID_TEARS_FROM and scene.step > 1:
                edges = (scene.rig.mesh.left_eye, scene.rig.mesh.right_eye)[eye.side]
                self._draw_torn(posed, attributes, edges, scene.layers.texture)
            paint_eye(eye, posed, self._frame)
        paint_mouth(scene.mouth, posed, self._frame)
        return self._frame

    def _draw_torn(
        self, posed: Posed, attributes: Float32, edges: tuple[Int32, Int32], texture: Texture
    ) -> None:
        """Draw the surroundings of a hole again, for every pixel, where the map tears."""
        points = posed.vertices[np.concatenate(edges), :2]
        window = _window_around(points, self._scene.rig)
        if window is not None:
            _Map(window, 1).draw(self._scene, posed, attributes, texture, self._frame)


class _Map:
    """Where in the photograph each pixel of a rectangle is to be looked up.

    Computed at nodes `step` px apart and smooth in between. Nodes stand in the middle of the
    step x step pixels they speak for, with one more row and column of them on each side.
    """

    def __init__(
        self, window: tuple[int, int, int, int], step: int, bands: tuple[Box, ...] | None = None
    ) -> None:
        self.window = window
        self.step = step
        x0, y0, x1, y1 = window
        rows = (y1 - y0 + step - 1) // step + 2
        columns = (x1 - x0 + step - 1) // step + 2
        first_x, first_y = self.first = _first_node(window, step)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * step
        self.identity = np.dstack([x + first_x, y + first_y, np.ones_like(x)]).astype(np.float32)
        self.nodes = self.identity.copy()
        self.depth = np.empty((rows, columns), np.float32)
        self.bands = bands or (Box(x0, y0, x1, y1),)

    def draw(
        self, scene: Scene, posed: Posed, attributes: Float32, texture: Texture, frame: UInt8
    ) -> None:
        """Fill the rectangle of the frame, as far as its bands go."""
        step = self.step
        np.copyto(self.nodes, self.identity)
        self.depth.fill(FAR)
        rasterize(
            posed.vertices, attributes, scene.rig.mesh.triangles,
            self.first[0], self.first[1], float(step), self.nodes, self.depth,
        )  # fmt: skip
        origin = np.array(texture.origin, np.float32)
        places = (self.nodes[..., :2] - origin) * np.float32(texture.scale)
        factors = np.rint(self.nodes[..., 2] * LIGHT_UNIT).astype(np.uint16)
        left, top = scene.rig.region[:2]
        for x0, y0, x1, y1 in self.bands:
            # whole nodes around the band, made fine, then cut to its pixels
            column, row = (x0 - self.window[0]) // step, (y0 - self.window[1]) // step
            columns = -(-(x1 - self.window[0]) // step) - column + 2
            rows = -(-(y1 - self.window[1]) // step) - row + 2
            near = (slice(row, row + rows), slice(column, column + columns))
            size = (columns * step, rows * step)
            cut_x = x0 - self.window[0] - column * step + step
            cut_y = y0 - self.window[1] - row * step + step
            cut = (slice(cut_y, cut_y + y1 - y0), slice(cut_x, cut_x + x1 - x0))
            look_at = cv2.resize(places[near], size, interpolation=cv2.INTER_LINEAR)[cut]
            light = cv2.resize(factors[near], size, interpolation=cv2.INTER_LINEAR)[cut]
            looked_up = cv2.remap(
                texture.pixels, look_at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            compose(
                looked_up, np.ascontiguousarray(light), scene.layers.plate, x0 - left, y0 - top,
                frame, x0, y0,
            )  # fmt: skip


def _first_node(window: tuple[int, int, int, int], step: int) -> tuple[float, float]:
    """Picture position of the node at row 0, column 0 of a window's map."""
    return window[0] - step + (step - 1) / 2, window[1] - step + (step - 1) / 2


def _moving_bands(rig: Rig, layers: Layers, step: int) -> tuple[Box, ...]:
    """Cover with a few rectangles all that can ever differ from the photograph.

    That is where the mesh follows the head, as far as the moving layer is not clear there.
    """
    x0, y0, x1, y1 = window = rig.region
    rows = (y1 - y0 + step - 1) // step
    columns = (x1 - x0 + step - 1) // step
    follows = np.zeros((rows + 2, columns + 2, 3), np.float32)
    depth = np.full((rows + 2, columns + 2), FAR, np.float32)
    attributes = np.zeros((len(rig.rest), 3), np.float32)
    attributes[:, 0] = rig.rigid
    skin = rig.mesh.triangles[: rig.mesh.skin_triangles]
    first_x, first_y = _first_node(window, step)
    rasterize(rig.rest, attributes, skin, first_x, first_y, float(step), follows, depth)
    reach = max(1, round(REACH_FW * rig.width_px / step))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    scale = layers.texture.scale
    matte = layers.texture.pixels[:: scale * step, :: scale * step, 3][:rows, :columns]
    near_person = cv2.dilate((matte > 0).astype(np.uint8), disc) > 0
    holes = cv2.morphologyEx(  # mouth and eyes are holes in the mesh, but move
        (follows[1 : rows + 1, 1 : columns + 1, 0] > LEAST_FOLLOWING).astype(np.uint8),
        cv2.MORPH_CLOSE,
        disc,
    )
    moves = near_person & (holes > 0)
    bands = []
    for row in range(0, rows, BAND_NODES):
        where = np.flatnonzero(moves[row : row + BAND_NODES].any(axis=0))
        if where.size:
            bands.append(
                Box(
                    x0 + int(where[0]) * step,
                    y0 + row * step,
                    min(x1, x0 + (int(where[-1]) + 1) * step),
                    min(y1, y0 + (row + BAND_NODES) * step),
                )
            )
    return tuple(bands)


def _window_around(points: Float32, rig: Rig) -> Box | None:
    """Rectangle around moved points, (P, 2), inside the region; None when none is left."""
    margin = TEAR_MARGIN_MM * rig.px_per_mm
    left, top, right, bottom = rig.region
    x0, y0 = np.floor(points.min(axis=0) - margin).astype(int)
    x1, y1 = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    box = Box(max(int(x0), left), max(int(y0), top), min(int(x1), right), min(int(y1), bottom))
    return box if box.x1 > box.x0 and box.y1 > box.y0 else None
