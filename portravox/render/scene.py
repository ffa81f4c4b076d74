"""One person's picture, ready to be redrawn frame by frame.

Flow      rig.fit, render.light, render.backdrop, render.mouth, render.eyes -> Scene
          rig.deform -> Painter -> frames

A Scene is made once per portrait and never changes; a Painter holds the buffers of one video.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from portravox.arrays import Float32, Int32, UInt8
from portravox.media.planes import Planes
from portravox.render.backdrop import Layers, split_layers
from portravox.render.drawing import SOFT_REACH, Box
from portravox.render.eyes import EyePaint, eye_reach, paint_eye, prepare_eyes
from portravox.render.film import (
    LIP_REACH_MM,
    CornerFilm,
    Film,
    LipFilm,
    LipsInUse,
    make_alpha_film,
    make_film,
    make_lip_film,
)
from portravox.render.kernels import (
    FAR,
    NodeMap,
    ThreePlanes,
    begin_map,
    draw_planes,
    rasterize,
)
from portravox.render.light import Light, estimate_light
from portravox.render.mouth import MouthPaint, paint_mouth, prepare_mouth
from portravox.rig.deform import PosedMesh
from portravox.rig.fit import Rig
from portravox.rig.follow_weights import NOWHERE, FollowWeights
from portravox.rig.topology import strip_positions

CELLS_BY_WIDTH = ((440.0, 8), (160.0, 4), (70.0, 2), (0.0, 1))
"""On faces at least so many px wide the map from frame to photograph is computed at nodes so many
px apart, and is smooth between: every 2.5 to 3.5 mm of the face or finer. Our choice, by eye."""

FINE_CELLS_BY_WIDTH = ((700.0, 2), (0.0, 1))
"""The same at the lips, where the map tears."""

BAND_GRID = max(cell for _, cell in CELLS_BY_WIDTH)
"""Where anything moves is found out for every so many pixels. Bands begin on nodes of the map."""

BAND_PX = 32
"""Rows of a band. A band is redrawn only as far to its sides as anything moves there."""

LEAST_FOLLOWING = 0.004
"""Parts that follow the head by less move by less than a quarter of a pixel in a close-up."""

LEAST_CARRIED = 0.01
"""Likewise of body and hair, which go two hundredths of the face's width at most."""

REACH_FW = 0.12
"""How far the outline of head and hair may travel, in face widths."""

TEAR_MARGIN_MM = 4.0
"""Around the mouth the map is computed for every pixel."""

CREASE_MARGIN_MM = 1.0
"""Likewise around the vertices at a crease: as far as the next ones are."""

PAINT_MARGIN_MM = 8.0
"""The mouth may paint so far around the edges of the lips."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything about one portrait that does not change from frame to frame."""

    rig: Rig
    photo: UInt8
    """(H, W, 3), both even"""
    still: Planes
    """The photograph as a frame."""
    film: Film
    """What moves, and what lies behind."""
    lips: LipFilm
    """The same around the mouth, nothing but lips and skin in it."""
    light: Light
    mouth: MouthPaint
    eyes: tuple[EyePaint, EyePaint]
    cell: int
    """Distance of the map's nodes, px."""
    fine_cell: int
    """The same where it tears."""
    bands: tuple[Box, ...]
    """All that ever differs from the photograph lies in these."""
    texture_places: Float32
    """(V + S, 2) px where each vertex finds its texture; strips of the mouth at their own lip."""
    alpha: Film | None
    """What of the film is the person, for frames that are to be seen through."""
    lip_triangles: Int32
    """Of the mesh, those that may be seen around the lips."""
    creases: tuple[Int32, Int32]
    """Vertices around the crease that each corner of the mouth has in the photograph."""
    resting_places: Float32
    """The same while the mouth is as photographed: its strips simply continue, too."""


def prepare_scene(rig: Rig, photo: UInt8, matte: Float32, *, see_through: bool = False) -> Scene:
    """Prepare one portrait: photo (H, W, 3) with even sides, person matte (H, W) 0..1.

    see_through   frames say what is the person

    Raises ValueError for odd sides: planes of chroma are half as large.
    """
    if photo.shape[0] % 2 or photo.shape[1] % 2:
        raise ValueError(f"a scene of {photo.shape[1]} x {photo.shape[0]} px; wanted even sides")
    mesh = rig.mesh
    own = rig.rest[mesh.strip_edge, :2]
    middle = (rig.rest[mesh.strip_upper, :2] + rig.rest[mesh.strip_lower, :2]) / 2
    # lips carry their own edge into the hole; eyes are photographed open and simply continue
    strips = np.concatenate([own[: mesh.mouth_strips], middle[mesh.mouth_strips :]])

    def moving() -> tuple[Film, LipFilm, tuple[Box, ...]]:
        layers = split_layers(rig, photo, matte)
        film = make_film(rig, layers, matte)
        return film, make_lip_film(rig, layers, film.scale), _moving_bands(rig, layers)

    # Most of either half's time passes where the interpreter is free: a portrait is ready sooner.
    with ThreadPoolExecutor(1, thread_name_prefix="portravox-scene") as beside:
        made = beside.submit(moving)
        light = estimate_light(rig, photo)
        eyes = prepare_eyes(rig, photo, light)
        mouth = prepare_mouth(rig, photo, eyes, light)
        film, lips, bands = made.result()
    cutout = np.rint(matte * 255).astype(np.uint8) if see_through else None
    return Scene(
        rig=rig,
        photo=photo,
        still=replace(Planes.of(photo), alpha=cutout),
        film=film,
        lips=lips,
        alpha=None if cutout is None else make_alpha_film(film, cutout),
        light=light,
        mouth=mouth,
        eyes=eyes,
        cell=_by_width(CELLS_BY_WIDTH, rig),
        fine_cell=_by_width(FINE_CELLS_BY_WIDTH, rig),
        bands=bands,
        lip_triangles=_lip_triangles(rig),
        creases=_creases(rig, lips),
        texture_places=np.concatenate([rig.rest[:, :2], strips]).astype(np.float32),
        resting_places=np.concatenate([rig.rest[:, :2], middle]).astype(np.float32),
    )


class Painter:
    """Draws frames of one scene into one buffer."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._frame = scene.still.copy()
        self._at_rest = True
        self._lips = LipsInUse(scene.lips)
        self._map = _Map(scene.rig.region, scene.cell, scene.rig.body, scene.rig.hair)
        self._bands = np.array(scene.bands, np.int32).reshape(-1, 4)
        # eyes and mouth are painted here in colour; only their surroundings are ever filled
        self._colours = np.empty_like(scene.photo)

    def paint(self, posed: PosedMesh) -> UInt8:
        """The frame of one pose as pixels, (H, W, 3), to be looked at."""
        return self.draw(posed).rgb()

    def draw(self, posed: PosedMesh) -> Planes:
        """The frame of one pose. Valid until the next call."""
        scene = self._scene
        still = np.array_equal(posed.vertices[: len(scene.rig.rest)], scene.rig.rest)
        still &= not (np.any(posed.body_shift) or np.any(posed.hair_shift))
        if still and not posed.eyes_act:
            if not self._at_rest:
                self._frame.overwrite(scene.still)
                self._at_rest = True
            return self._frame
        self._at_rest = False
        attributes = np.empty((len(posed.vertices), 3), np.float32)
        # a mouth that does nothing is shown as photographed, whatever is seen between its lips
        attributes[:, :2] = scene.texture_places if posed.speech > 0 else scene.resting_places
        factors = scene.light.factors(posed.rotation) * posed.shade
        attributes[: len(factors), 2] = factors
        attributes[len(factors) :, 2] = factors[scene.rig.mesh.strip_edge]
        coarse = scene.rig.mesh.coarse_triangles
        self._map.draw(posed, attributes, coarse, scene.film, self._bands, self._frame)
        if scene.alpha is not None:
            self._map.draw_alpha(scene.alpha, self._bands, self._frame)
        if posed.speech > 0:
            self._paint_mouth(posed, attributes)
        for eye in scene.eyes:
            if posed.eyes_act:
                self._paint_eye(eye, posed)
        return self._frame

    def _paint_mouth(self, posed: PosedMesh, attributes: Float32) -> None:
        scene = self._scene
        edges = posed.vertices[np.concatenate(scene.rig.mesh.mouth), :2]
        self._lips.take_out(posed.corners_in)
        tear = np.float32((TEAR_MARGIN_MM - CREASE_MARGIN_MM) * scene.rig.px_per_mm)
        gone = [v for v, share in zip(scene.creases, posed.corners_in, strict=True) if share > 0]
        around = [edges - tear, edges + tear, *(posed.vertices[v, :2] for v in gone)]
        self._draw_torn(posed, attributes, np.concatenate(around), self._lips.film)
        margin = PAINT_MARGIN_MM * scene.rig.px_per_mm + SOFT_REACH * scene.mouth.soft_px
        window = self._window(edges, margin)
        if window is not None:
            self._to_colours(window)
            paint_mouth(scene.mouth, posed, self._colours)
            self._from_colours(window)

    def _paint_eye(self, eye: EyePaint, posed: PosedMesh) -> None:
        window = self._window(eye_reach(eye, posed), 1.0 + SOFT_REACH * eye.soft_px)
        if window is not None:
            self._to_colours(window)
            paint_eye(eye, posed, self._colours)
            self._from_colours(window)

    def _draw_torn(
        self, posed: PosedMesh, attributes: Float32, points: Float32, film: Film
    ) -> None:
        """Draw the surroundings of a hole again, for every pixel, where the map tears: as far as
        points, (P, 2), lie."""
        window = self._window(points, CREASE_MARGIN_MM * posed.rig.px_per_mm)
        if window is not None:
            bands = np.array([window], np.int32)
            scene = self._scene
            _Map(window, scene.fine_cell).draw(
                posed, attributes, scene.lip_triangles, film, bands, self._frame
            )

    def _window(self, points: Float32, margin: float) -> Box | None:
        """Rectangle around points, (P, 2), inside the region; None when none is left of it."""
        left, top, right, bottom = self._scene.rig.region
        x0, y0 = (np.floor(points.min(axis=0) - margin).astype(int) // 2 * 2).tolist()
        x1, y1 = (np.ceil(points.max(axis=0) + margin).astype(int) // 2 * 2 + 2).tolist()
        box = Box(max(x0, left), max(y0, top), min(x1, right), min(y1, bottom))
        return box if box.x1 > box.x0 and box.y1 > box.y0 else None

    def _to_colours(self, window: Box) -> None:
        window.of(self._colours)[:] = self._frame.part(*window).rgb()

    def _from_colours(self, window: Box) -> None:
        self._frame.part(*window).overwrite(Planes.of(window.of(self._colours)))


class _Map:
    """Where in the photograph each pixel of a rectangle is to be looked up.

    Computed at nodes `cell` px apart and smooth in between; the first node stands on the first
    pixel. Around the mesh, body and hair move nodes, as far as they are given.
    """

    def __init__(
        self,
        window: tuple[int, int, int, int],
        cell: int,
        body: FollowWeights = NOWHERE,
        hair: FollowWeights = NOWHERE,
    ) -> None:
        x0, y0, x1, y1 = window
        self._corner = (x0, y0)
        self._cell = cell
        rows, columns = -(-(y1 - y0) // cell) + 1, -(-(x1 - x0) // cell) + 1
        self._nodes = np.empty((3, rows, columns), np.float32)
        self._depth = np.empty((rows, columns), np.float32)
        self._body, self._hair = (self._at_nodes(field) for field in (body, hair))

    def _at_nodes(self, field: FollowWeights) -> Float32:
        """(rows, columns), or (0, 0) where nothing goes along."""
        if field is NOWHERE:
            return np.empty((0, 0), np.float32)
        y, x = np.mgrid[0 : self._depth.shape[0], 0 : self._depth.shape[1]].astype(np.float32)
        return field.at(x * self._cell + self._corner[0], y * self._cell + self._corner[1])

    def draw(
        self,
        posed: PosedMesh,
        attributes: Float32,
        triangles: Int32,
        film: Film,
        bands: Int32,
        frame: Planes,
    ) -> None:
        """Fill some rectangles inside the window, (B, 4) x0, y0, x1, y1, all even."""
        x0, y0 = self._corner
        grid = (float(x0), float(y0), float(self._cell))
        carried = self._body, *posed.body_shift.tolist(), self._hair, *posed.hair_shift.tolist()
        begin_map(self._nodes, self._depth, *grid, *carried)
        rasterize(posed.vertices, attributes, triangles, *grid, self._nodes, self._depth)
        places = NodeMap(self._nodes, x0, y0, self._cell)
        drawn = ThreePlanes(frame.luma, frame.cb, frame.cr)
        draw_planes(places, bands, film.moving, film.behind, drawn)

    def draw_alpha(self, film: Film, bands: Int32, frame: Planes) -> None:
        """Draw what of the frame is the person, in the places of the last `draw`."""
        assert frame.alpha is not None
        self._nodes[2] = 1.0  # no light falls on it
        spare = np.empty_like(frame.cb)
        places = NodeMap(self._nodes, *self._corner, self._cell)
        drawn = ThreePlanes(frame.alpha, spare, spare)
        draw_planes(places, bands, film.moving, film.behind, drawn)


def _by_width(table: tuple[tuple[float, int], ...], rig: Rig) -> int:
    return next(cell for width_px, cell in table if rig.width_px >= width_px)


def _lip_triangles(rig: Rig) -> Int32:
    """(F, 3) of the fine mesh, as many as the film of the lips reaches."""
    mesh = rig.mesh
    edges = rig.rest[np.concatenate(mesh.mouth), :2]
    reach = LIP_REACH_MM * rig.px_per_mm
    points = strip_positions(rig.rest, mesh, 0.0)[:, :2]
    near = ((points > edges.min(axis=0) - reach) & (points < edges.max(axis=0) + reach)).all(axis=1)
    return np.ascontiguousarray(mesh.triangles[near[mesh.triangles].any(axis=1)])


def _creases(rig: Rig, lips: LipFilm) -> tuple[Int32, Int32]:
    """Vertices of the skin that lie in the box of each corner, on the left and on the right."""
    places = rig.rest[:, :2] - np.array(lips.film.origin, np.float32)

    def inside(corner: CornerFilm | None) -> Int32:
        if corner is None:
            return np.empty(0, np.int32)
        box = corner.box
        found = (places >= (box.x0, box.y0)) & (places < (box.x1, box.y1))
        return np.flatnonzero(found.all(axis=1)).astype(np.int32)

    left, right = (inside(corner) for corner in lips.corners)
    return left, right


def _moving_bands(rig: Rig, layers: Layers) -> tuple[Box, ...]:
    """Cover with a few rectangles all that can ever differ from the photograph.

    That is where the mesh follows the head or the picture the body, as far as the moving layer is
    not clear there.
    """
    x0, y0, x1, y1 = rig.region
    rows, columns = -(-(y1 - y0) // BAND_GRID), -(-(x1 - x0) // BAND_GRID)
    follows = np.zeros((3, rows, columns), np.float32)
    depth = np.full((rows, columns), FAR, np.float32)
    attributes = np.zeros((len(rig.rest), 3), np.float32)
    attributes[:, 0] = rig.rigid
    skin = rig.mesh.triangles[: rig.mesh.skin_triangles]
    rasterize(rig.rest, attributes, skin, float(x0), float(y0), float(BAND_GRID), follows, depth)
    reach = max(1, round(REACH_FW * rig.width_px / BAND_GRID))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near_person = (
        cv2.dilate((layers.matte[::BAND_GRID, ::BAND_GRID] > 0).astype(np.uint8), disc) > 0
    )
    holes = cv2.morphologyEx(  # mouth and eyes are holes in the mesh, but move
        (follows[0] > LEAST_FOLLOWING).astype(np.uint8), cv2.MORPH_CLOSE, disc
    )
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * BAND_GRID
    carried = np.maximum(*(field.at(x + x0, y + y0) for field in (rig.body, rig.hair)))
    moves = near_person & ((holes > 0) | (carried > LEAST_CARRIED))
    # what begins between two nodes of the grid is seen at neither
    moves = cv2.dilate(moves.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    bands = []
    height = BAND_PX // BAND_GRID
    for row in range(0, rows, height):
        where = np.flatnonzero(moves[row : row + height].any(axis=0))
        if where.size:
            bands.append(
                Box(
                    x0 + int(where[0]) * BAND_GRID,
                    y0 + row * BAND_GRID,
                    min(x1, x0 + (int(where[-1]) + 1) * BAND_GRID),
                    min(y1, y0 + (row + height) * BAND_GRID),
                )
            )
    return tuple(bands)
