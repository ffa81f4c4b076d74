from __future__ import annotations

import numpy as np

from portravox.arrays import Float32
from portravox.render.film import double, states_of
from portravox.render.kernels import BLOCK, CLEAR, SOLID
from portravox.render.scene import Scene


def test_doubling_keeps_every_pixel_and_adds_values_between() -> None:
    ramp = np.repeat(np.arange(20, 120, 4, dtype=np.uint8)[None], 12, axis=0)
    large = double(ramp)
    assert np.array_equal(large[::2, ::2], ramp)
    inner = large[10, 8:-8].astype(int)
    assert np.all(np.diff(inner) == 2)  # a straight ramp stays straight


def test_states_are_sure_of_their_surroundings() -> None:
    matte = np.zeros((120, 160), np.uint8)
    matte[:, 80:] = 255
    matte[41, 101] = 254
    states = states_of(matte)
    assert states.shape == (120 // BLOCK, 160 // BLOCK)
    near_edge = states[0, 80 // BLOCK - 1 : 80 // BLOCK + 1]
    assert not np.isin(near_edge, (SOLID, CLEAR)).any()
    assert states[0, 0] == CLEAR and states[0, -1] == SOLID
    assert not (states[8:13, 23:28] == SOLID).any() and (states[:8, 23:] == SOLID).all()


def test_the_film_at_rest_is_the_photograph(scene: Scene) -> None:
    x0, y0, x1, y1 = scene.rig.region
    film = scene.film
    still = scene.still.part(x0, y0, x1, y1)
    first = film.luma[:: film.scale, :: film.scale]
    assert np.array_equal(first, still.luma)
    assert np.array_equal(film.cb, still.cb)


def test_the_lips_own_film_shows_no_teeth(scene: Scene) -> None:
    lips = scene.rig.face.lips
    middle = (lips.upper_inner[5] + lips.lower_inner[5]) / 2
    x, y = ((middle - scene.lips.origin) / 2).astype(int)
    painted = int(scene.lips.cr[y, x])
    x, y = (middle / 2).astype(int)
    assert painted > int(scene.still.cr[y, x]) + 6  # redder


def test_the_matte_of_the_film_covers_the_person(scene: Scene, matte: Float32) -> None:
    x0, y0, x1, y1 = scene.rig.region
    assert scene.film.matte[matte[y0:y1, x0:x1] > 0.5].min() > 230
